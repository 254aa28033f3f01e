"""The HEICs that take the most memory for each pixel: 10 bits with alpha. Of one colour, so that they are small; the decoder
holds the same planes whatever they show.

    pip install pillow-heif==1.8.1 numpy==2.4.6 && python3 lab/bench/heic/make-inputs.py
"""
from pathlib import Path

import numpy
import pillow_heif

# As in lab/bench/memory.ts.
for megapixels, width, height in [(6, 3000, 2000), (12, 4242, 2828), (24, 6000, 4000), (48, 8486, 5656)]:
    pixels = numpy.full((height, width, 4), 40_000, "uint16")
    file = pillow_heif.from_bytes(mode="RGBA;16", size=(width, height), data=pixels.tobytes())
    pillow_heif.options.SAVE_HDR_TO_12_BIT = False
    file.save(Path(__file__).parent / f"{megapixels}-megapixels.heic", quality=10, enc_params={"preset": "ultrafast"})
