"""Find two motifs in DNA-like sequences: a label for every letter, from what stands before it and after it.

The motifs are invented, in the manner of binding sites: a few letters may vary, and chance writes look-alikes that miss
one letter. Each network is compared with the exact search for the pattern, which knows what the network has to learn.
"""

import re

import numpy as np
from sklearn.metrics import f1_score

from rnnforecast.estimators.classifier import RNNClassifier

LETTERS = np.array(list("ACGT"))
MOTIFS = {"box": "TATA[AT]A[AG]", "site": "GG[ACGT]CAATC"}  # as regular expressions


def invent(n, seed):
    """Make n sequences of 60 to 120 letters with some motifs and some that miss one letter; label every letter."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(n):
        text = list(rng.choice(LETTERS, size=rng.integers(60, 121)))
        for start in range(int(rng.integers(10)), len(text) - 8, 20):
            pattern = MOTIFS[rng.choice(list(MOTIFS))]
            motif = [rng.choice(list(choices.strip("[]"))) for choices in re.findall(r"\[\w+\]|\w", pattern)]
            if rng.random() < 0.5:  # a look-alike
                motif[rng.integers(len(motif))] = rng.choice(LETTERS)
            text[start : start + len(motif)] = motif
        texts.append("".join(text))
        labels.append(search(texts[-1]))
    return texts, labels


def search(text, known=None):
    """Label every letter by an exact search, of which only `known` letters at the start of each motif are compared."""
    label = np.full(len(text), "-", dtype="U4")
    for name, pattern in MOTIFS.items():
        parts = re.findall(r"\[\w+\]|\w", pattern)
        for found in re.finditer(f"(?={''.join(parts[:known])})", text):
            label[found.start() : found.start() + len(parts)] = name
    return label


def encode(texts):
    """One column for each letter: a list of arrays (T_i, 4)."""
    return [(np.array(list(text))[:, None] == LETTERS).astype(float) for text in texts]


def report(name, predicted, truth):
    """Print the F1 score of each motif over all letters."""
    scores = f1_score(np.concatenate(truth), np.concatenate(predicted), labels=list(MOTIFS), average=None)
    print(f"{name:<36}" + "  ".join(f"{motif} {score:.3f}" for motif, score in zip(MOTIFS, scores, strict=True)))


(texts, labels), (texts_test, labels_test) = invent(600, seed=0), invent(200, seed=1)
share = np.mean(np.concatenate(labels_test) != "-")
print(f"{len(texts)} sequences to learn from, {len(texts_test)} to be tagged; {share:.0%} of the letters are motif")

# The first letters of a motif can only be told from what comes later: one direction alone must miss them.
for bidirectional in (False, True):
    tagger = RNNClassifier(
        output="steps", bidirectional=bidirectional, cell="lstm", conv_filters=16, conv_kernel_size=5, random_state=0
    )
    predicted = tagger.fit(encode(texts), labels).predict(encode(texts_test))
    report("both directions" if bidirectional else "one direction", predicted, labels_test)
report("search for the first four letters", [search(text, known=4) for text in texts_test], labels_test)

# One sequence with its tags below it, and the true ones below these.
k = next(k for k, label in enumerate(labels_test) if set(label) > set(MOTIFS))
print(texts_test[k], *("".join(tag[0] for tag in tags) for tags in (predicted[k], labels_test[k])), sep="\n")

# What next: 05_text.py learns symbols without labels, and writes them.
