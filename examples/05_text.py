"""Learn to write, character by character, and measure how surprising unseen text is.

Uses sentences made here or, if RNNFORECAST_DATA names a folder with text/tinyshakespeare.txt, Shakespeare's plays; with
--long a larger network, for minutes instead of seconds.
"""

import os
import sys
from pathlib import Path

import numpy as np

from rnnforecast.estimators.generator import RNNGenerator

WORDS = [
    ["the ", "an old ", "one ", "every "],
    ["fox ", "sailor ", "king ", "river "],
    ["sings", "remembers", "waits", "knows"],
    [" at night", " in spring", ""],
    [".\n", "!\n"],
]


def sentences(n, rng):
    """Return n sentences, each word drawn from a list, and their entropy in nats per character."""
    text = "".join(rng.choice(choices) for _ in range(n) for choices in WORDS)
    return text, n * sum(np.log(len(choices)) for choices in WORDS) / len(text)


path = Path(os.environ.get("RNNFORECAST_DATA", "")) / "text" / "tinyshakespeare.txt"
if path.is_file():
    text, prompt, max_iter = path.read_text(encoding="utf-8"), "ROMEO:\n", 3
    print("Shakespeare; counting what follows each three characters gives 1.79 nats per character on the end")
else:
    text, entropy = sentences(2000, np.random.default_rng(0))
    prompt, max_iter = "every river ", 20
    print(f"sentences drawn word by word: nothing can get below {entropy:.3f} nats per character")

# early_stopping would hold the end out to choose the weights by; a play that begins there could not be learnt from.
generator = RNNGenerator(max_iter=max_iter, early_stopping=False, verbose=True, random_state=0, n_jobs=2)
if "--long" in sys.argv:
    generator.set_params(hidden_layer_sizes=(512,), dropout=0.2, learning_rate_init=0.004, max_iter=5)

n_train = int(0.9 * len(text))
generator.fit(text[:n_train])
score = generator.score(text[n_train:])
print(f"unseen text: {-score:.3f} nats per character, a choice among {np.exp(-score):.2f} on average")

# Below 1, temperature makes the likely likelier: fewer mistakes, less variety.
for temperature in (0.5, 0.8):
    print(f"\n--- temperature {temperature} ---")
    print(prompt + generator.generate(300, prompt, temperature=temperature, random_state=0))

# What next: 06_long_memory.py shows how far back such networks can remember.
