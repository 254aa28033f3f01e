"""Pillow, the command line tools, and the judge: a line of JSON in, a line of JSON out (line-worker.ts).

Here because Python measures what its children took, and SSIMULACRA2 comes as a Python package.
"""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time

import PIL
from PIL import Image, ImageOps
from ssimulacra2 import compute_ssimulacra2


def measured(who, work):
    def cpu():
        used = resource.getrusage(who)
        return 1000 * (used.ru_utime + used.ru_stime)

    cpu_before, before = cpu(), time.perf_counter()
    work()
    return {"cpu": cpu() - cpu_before, "wall": 1000 * (time.perf_counter() - before)}


def pillow(photo, renditions):
    largest = max(renditions, key=lambda rendition: rendition["width"])
    picture = Image.open(photo)
    # libjpeg's shrink-on-load, as described in Pillow's manual.
    picture.draft("RGB", (largest["width"], largest["height"]))
    picture = ImageOps.exif_transpose(picture)
    for one in renditions:
        small = picture.resize((one["width"], one["height"]), Image.Resampling.LANCZOS, reducing_gap=3.0)
        options = {
            "webp": {"method": one["effort"]},
            "avif": {"speed": 9 - (one["effort"] or 0), "max_threads": 1},
            "jpeg": {},
        }
        small.save(one["file"], one["format"], quality=one["quality"], **options[one["format"]])


def vipsthumbnail(photo, renditions):
    for one in renditions:
        effort = "" if one["effort"] is None else f",effort={one['effort']}"
        output = f"{one['file']}[Q={one['quality']},strip{effort}]"
        run(["vipsthumbnail", photo, "--size", f"{one['width']}x", "--output", output])


def imagemagick(photo, renditions):
    """One decode, shrunk while it is read, and -thumbnail, the faster of its two ways to resize.

    Version 6 has no setting for AVIF's effort, and leaves it to libheif.
    """
    width = 2 * max(rendition["width"] for rendition in renditions)
    command = [magick(), "-define", f"jpeg:size={width}x{width}", photo, "-auto-orient"]
    for one in renditions:
        size = f"{one['width']}x{one['height']}!"
        effort = {
            "webp": ["-define", f"webp:method={one['effort']}"],
            "avif": ["-define", f"heic:speed={9 - (one['effort'] or 0)}"],
            "jpeg": [],
        }[one["format"]]
        command += ["(", "+clone", "-thumbnail", size, "-quality", str(one["quality"]), *effort]
        command += ["-write", one["file"], "+delete", ")"]
    run([*command, "null:"])


def run(command):
    one_thread = {"VIPS_CONCURRENCY": "1", "MAGICK_THREAD_LIMIT": "1"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **one_thread})


def magick():
    """ImageMagick 7, or else 6, under Debian's name for it or its own."""
    return next(filter(None, map(shutil.which, ["magick", "convert-im6.q16", "convert"])), None)


peers = {
    "Pillow": (pillow, resource.RUSAGE_SELF, None),
    "vipsthumbnail": (vipsthumbnail, resource.RUSAGE_CHILDREN, ["vipsthumbnail", "--version"]),
    "ImageMagick": (imagemagick, resource.RUSAGE_CHILDREN, [magick(), "-version"]),
}


def version(name):
    """None if it is not installed: system package managers have these tools, PyPI does not."""
    command = peers[name][2]
    if command is None:
        return PIL.__version__
    if command[0] is None or shutil.which(command[0]) is None:
        return None
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"(?:vips|ImageMagick)[ -](\d[\d.]+(?:-\d+)?)", said)
    return found and found.group(1)


def reference(photo, width, height, file):
    """The reference: Lanczos over the whole image, without any of the contenders' shortcuts."""
    picture = ImageOps.exif_transpose(Image.open(photo)).convert("RGB")
    picture.resize((width, height), Image.Resampling.LANCZOS).save(file)


def answer(question):
    do = question.pop("do")
    if do == "versions":
        return {name: version(name) for name in peers}
    if do == "score":
        return compute_ssimulacra2(question["reference"], question["file"])
    if do == "reference":
        return reference(**question)
    work, who, start = peers[question["peer"]]
    if do == "start":
        return measured(who, lambda: run(start)) if start else None
    return measured(who, lambda: work(question["photo"], question["renditions"]))


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
