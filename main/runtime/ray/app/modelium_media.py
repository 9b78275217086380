"""Decodes images and sounds of requests, with size limits, because they are untrusted."""
import base64
import io

from modelium_source import Refused

MOST_PIXELS = 64_000_000
MOST_BYTES = 100_000_000


def image_of(text):
    """From base64, or a data: address of it. No address is fetched."""
    from PIL import Image

    head, comma, rest = text.partition(",")
    data = rest if comma and head.startswith("data:") else text
    try:
        image = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
        if image.width * image.height > MOST_PIXELS:
            raise Refused(f"The image has {image.width} x {image.height} pixels, more than {MOST_PIXELS}.")
        return image.convert("RGB")
    except Refused:
        raise
    except Exception:
        raise Refused("input: expected an image as base64, such as data:image/png;base64,...") from None


async def sound_of(file, rate):
    """A file of a multipart form as the samples that a model wants, at its rate."""
    import numpy

    if file is None or not hasattr(file, "read"):
        raise Refused("file: expected a sound file.")
    data = await file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Refused(f"The sound is longer than {MOST_BYTES} bytes.", 413)
    try:
        samples, given = waves(data)
    except Exception:
        samples, given = others(data)
    if given != rate and len(samples) > 0:
        places = numpy.linspace(0, len(samples) - 1, max(1, round(len(samples) * rate / given)))
        samples = numpy.interp(places, numpy.arange(len(samples)), samples).astype("float32")
    return {"raw": samples, "sampling_rate": rate}


def waves(data):
    """WAV with whole numbers of 8, 16 or 32 bits, which Python reads by itself."""
    import wave

    import numpy

    with wave.open(io.BytesIO(data)) as sound:
        kind, middle, scale = {1: ("u1", 128, 128), 2: ("<i2", 0, 1 << 15), 4: ("<i4", 0, 1 << 31)}[sound.getsampwidth()]
        frames = numpy.frombuffer(sound.readframes(sound.getnframes()), kind).astype("float32")
        return ((frames - middle) / scale).reshape(-1, sound.getnchannels()).mean(1), sound.getframerate()


def others(data):
    try:
        import soundfile

        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except ImportError:
        raise Refused("The cluster reads WAV files alone: the package soundfile is not installed there.") from None
    except Exception:
        raise Refused("file: no sound that can be read.") from None
    return samples.mean(1), rate
