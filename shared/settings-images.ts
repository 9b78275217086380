/**
 * `models.NAME.image_inputs`: how an image of a request becomes the tensor that a model takes. What
 * each key does is `main/io/images/`.
 */
import { z } from 'zod';

/** Larger ones would be tensors that no server takes in one call. */
const side = z.number().int().min(1).max(4096);
const channel = z.number().finite();

const imageInput = z
  .strictObject({
    size: z
      .tuple([side, side])
      .optional()
      .meta({
        description: 'Height and width in pixels; left out: as the tensor has them, or those of the image.',
        examples: [[224, 224]],
      }),
    resize: z
      .enum(['stretch', 'crop', 'pad'])
      .default('stretch')
      .describe('How the image gets that size: stretch changes its proportions, crop cuts out its middle, pad adds borders on both sides.'),
    short_side: side.optional().meta({
      description:
        'With crop: pixels to which the shorter side is scaled before the middle is cut out; left out: the fewest that fill the size.',
      examples: [256],
    }),
    pad_value: z.number().int().min(0).max(255).default(114).describe('With pad: the value of each channel of the borders, 0 to 255.'),
    filter: z
      .enum(['nearest', 'bilinear', 'bicubic'])
      .default('bilinear')
      .describe('How pixels are computed when it is scaled; bilinear and bicubic as Pillow computes them.'),
    channels: z.enum(['rgb', 'bgr', 'gray']).default('rgb').describe('The channels and their order.'),
    layout: z.enum(['nchw', 'nhwc']).optional().meta({
      description: 'Whether channels come before rows and columns (nchw) or behind; left out: derived from the shape of the tensor.',
    }),
    scale: z
      .number()
      .positive()
      .optional()
      .meta({ description: 'The factor for each value (0 to 255); left out: 1/255 for floating-point tensors, 1 for others.' }),
    mean: z
      .array(channel)
      .min(1)
      .max(3)
      .default([0])
      .meta({ description: 'Subtracted from each channel after that; one number counts for all.', examples: [[0.485, 0.456, 0.406]] }),
    std: z
      .array(channel.refine((value) => value !== 0, 'expected a number other than 0'))
      .min(1)
      .max(3)
      .default([1])
      .meta({ description: 'The divisor for each channel, applied last; one number counts for all.', examples: [[0.229, 0.224, 0.225]] }),
  })
  .superRefine(({ resize, short_side, size, channels, mean, std }, context) => {
    const wrong = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
    if (short_side !== undefined && resize !== 'crop') wrong('short_side', 'it goes with resize: crop');
    if (short_side !== undefined && size !== undefined && short_side < Math.max(...size))
      wrong('short_side', 'expected at least the larger of the two sizes');
    const count = channels === 'gray' ? 1 : 3;
    for (const [key, values] of [['mean', mean] as const, ['std', std] as const])
      if (values.length !== 1 && values.length !== count) wrong(key, `expected 1 number${count === 1 ? '' : ` or ${count}`}`);
  });

export type ImageInput = z.output<typeof imageInput>;

export const imageInputs = z
  .record(z.string().min(1).max(256), imageInput)
  .optional()
  .meta({
    description:
      'Inputs that take images, by the name of their tensor, and how an image becomes it; left out: tensors are given as they are.',
    examples: [{ data: { resize: 'crop', short_side: 256, mean: [0.485, 0.456, 0.406], std: [0.225] } }],
  });
