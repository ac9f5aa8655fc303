#!/usr/bin/env bash
# The wheels of OpenCV 5 and the cascades for faces and eyes.
#
# Every opencv-python wheel of the series 3 and 4 ships 17 cascades in cv2/data, whose folder
# `cv2.data.haarcascades` names, and CascadeClassifier to run them.
# Guess: a program that finds eyes with them runs with `opencv-python-headless>=4`.
# Seen: 5.0.0 still has `cv2.data.haarcascades`, but nothing is in that folder, and `cv2` has no
# CascadeClassifier any more. FaceDetectorYN is there, without a model.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

look='
import cv2, pathlib
files = len(list(pathlib.Path(cv2.data.haarcascades).glob("*.xml")))
print(cv2.__version__, files, hasattr(cv2, "CascadeClassifier"), hasattr(cv2, "FaceDetectorYN"))'
for version in 4.14.0.94 5.0.0.93; do
    python3 -m venv "venv-$version"
    "venv-$version/bin/pip" install -q "opencv-python-headless==$version"
    "venv-$version/bin/python" -c "$look" | tee "seen-$version"
done
[ "$(cat seen-4.14.0.94)" = "4.14.0 17 True True" ]
[ "$(cat seen-5.0.0.93)" = "5.0.0 0 False True" ]
