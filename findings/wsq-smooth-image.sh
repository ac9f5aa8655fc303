#!/usr/bin/env bash
# The PyPI package wsq and an image without ridges.
#
# WSQ is for fingerprints; who tests a chain of tools sends a test image through it first, and the
# calibration target of a scanner has ramps of grey too.
# Guess: a grey ramp, the easiest image there is, comes back nearly as it was, as it does from JPEG.
# Seen: it comes back as one flat grey, and waves of 25 pixels are lost likewise, while waves of 10
# pixels, as of ridges at 500 pixels per inch, differ by less than one grey level. Another decoder
# (jnbis) gets the same pixels, so that it is the encoder that loses them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'wsq==0.9' 'pillow==13.0.0' 'numpy==2.4.6'
mvn -q -B "-Dmaven.repo.local=$work/repository" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
    -Dartifact=com.github.mhshams:jnbis:2.1.2 "-DoutputDirectory=$work" > maven.txt 2>&1 || { cat maven.txt; exit 1; }
cat > Decode.java <<'JAVA'
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jnbis.api.Jnbis;

public class Decode {
    public static void main(String[] files) throws Exception {
        for (String file : files) {
            Files.write(Path.of(file + ".raw"), Jnbis.wsq().decode(new File(file)).asBitmap().getPixels());
        }
    }
}
JAVA
javac -cp jnbis-2.1.2.jar Decode.java
cat > pass.py <<'PY'
import subprocess
import sys

import numpy as np
import wsq  # noqa: F401  # registers the format with Pillow
from PIL import Image

column = np.arange(400)
images = {
    "ramp": np.tile(column * 255 // 399, (400, 1)),
    "waves of 25 pixels": np.tile(128 + 100 * np.sin(2 * np.pi * column / 25), (400, 1)),
    "waves of 10 pixels": np.tile(128 + 100 * np.sin(2 * np.pi * column / 10), (400, 1)),
}
spreads, errors = [], []
for number, (name, pixels) in enumerate(images.items()):
    pixels = pixels.astype("uint8")
    Image.fromarray(pixels).save(f"{number}.wsq")
    back = np.asarray(Image.open(f"{number}.wsq")).astype(int)
    subprocess.run(["java", "-cp", "jnbis-2.1.2.jar:.", "Decode", f"{number}.wsq"], check=True)
    by_jnbis = np.fromfile(f"{number}.wsq.raw", "uint8").reshape(back.shape).astype(int)
    spreads.append(int(np.ptp(back)))
    errors.append(float(np.abs(back - pixels).mean()))
    apart = int(np.abs(back - by_jnbis).max())
    print(f"  {name}: {np.ptp(pixels)} grey levels before, {spreads[-1]} after, error {errors[-1]:.1f}, jnbis differs by {apart}")
    if apart > 1:
        sys.exit("changed: the decoders differ")
same = spreads[0] == 0 and errors[0] > 50 and errors[1] > 50 and errors[2] < 1
sys.exit(0 if same else "changed: smooth images survive, or ridges do not")
PY
echo "PyPI wsq 0.9, Maven com.github.mhshams:jnbis 2.1.2"
echo "guess: an error of a few grey levels at most"
echo "seen:"
venv/bin/python pass.py
