/** Small previews of the images of a question; those of the draft can be removed. */
import * as texts from '../../texts.ts';
import { IconButton } from '../../ui/button.tsx';
import { FilePicker } from '../../ui/file-picker.tsx';
import styles from './chat.module.css';

interface ImagesProps {
  /** As `data:` addresses: the page's policy lets no other image in. */
  readonly images: readonly string[];
  readonly onRemove?: (at: number) => void;
}

export function Images({ images, onRemove }: ImagesProps) {
  return (
    <ul className={styles.images}>
      {images.map((address, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the same image may be there twice.
        <li key={at}>
          <img alt={texts.images.ofQuestion(at + 1)} src={address} />
          {onRemove !== undefined && <IconButton icon="close" label={texts.images.takeAway(at + 1)} onClick={() => onRemove(at)} small />}
        </li>
      ))}
    </ul>
  );
}

/** A button that lets a person choose images. */
export function ImagePicker({ onPick }: { readonly onPick: (files: readonly File[]) => void }) {
  return (
    <FilePicker accept="image/*" label={texts.images.images} onPick={onPick}>
      {(open) => <IconButton icon="image" label={texts.images.attach} onClick={open} />}
    </FilePicker>
  );
}
