"""How well speech is understood that came through a call, sentence by sentence.

Takes a JSON object on standard input: `said` and `heard` (raw f32 at 48 kHz), `sentences` (pairs of
first and last sample in `said`), and `offset` (the sample of `heard` at which `said` began to be said).
Writes a list of objects: STOI and ESTOI (Taal et al. 2011, Jensen and Taal 2016; pystoi), PESQ wide band
(ITU-T P.862.2; pesq) and the delay in milliseconds at which the sentence was found.
"""

import json
import sys

import numpy as np
from pesq import PesqError, pesq
from pystoi import stoi
from scipy.signal import correlate, resample_poly

# Both measures are made for 16 kHz or less.
RATE = 16000
THIRD = 3
# A sentence is looked for up to this long after it was said, and before: a device that stalls loses time.
LATEST = int(1.5 * RATE)
EARLIEST = int(0.5 * RATE)
# PESQ's worst: a sentence of which nothing came through has no score of its own.
WORST_PESQ = 1.0


def read(path):
    return resample_poly(np.fromfile(path, dtype="<f4").astype(np.float64), 1, THIRD)


def find(sentence, heard, expected):
    """Where the sentence begins in what was heard: at the best correlation."""
    begin = expected - EARLIEST
    length = len(sentence) + EARLIEST + LATEST
    window = np.zeros(length)
    first, last = max(begin, 0), min(begin + length, len(heard))
    if last > first:
        window[first - begin : last - begin] = heard[first:last]
    likeness = correlate(window, sentence, mode="valid", method="fft")
    lag = int(np.argmax(likeness))
    return window[lag : lag + len(sentence)], lag - EARLIEST


def score(sentence, heard):
    quality = pesq(RATE, sentence, heard, "wb", on_error=PesqError.RETURN_VALUES)
    # Silence has no correlation with anything.
    understood = [np.nan_to_num(stoi(sentence, heard, RATE, extended=strict)) for strict in (False, True)]
    return {
        "stoi": float(understood[0]),
        "estoi": float(understood[1]),
        "pesq": float(max(np.nan_to_num(quality), WORST_PESQ)),
    }


def main():
    order = json.load(sys.stdin)
    said, heard = read(order["said"]), read(order["heard"])
    offset = round(order["offset"] / THIRD)
    scores = []
    for first, last in order["sentences"]:
        first, last = first // THIRD, last // THIRD
        sentence = said[first:last]
        found, lag = find(sentence, heard, offset + first)
        scores.append({**score(sentence, found), "delay_ms": lag * 1000.0 / RATE})
    json.dump(scores, sys.stdout)


main()
