"""Tell what somebody is doing from a motion sensor: each recording is one sequence, each has one label.

Uses generated recordings; with RNNFORECAST_DATA naming a folder that holds ucr/BasicMotions/ (the UEA archive's files
in .ts format, a smart watch worn while standing, walking, running and playing badminton), those.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GridSearchCV

from rnnforecast.estimators.classifier import RNNClassifier


def read_ts(path):
    """Read equally long sequences (n, T, F) and their labels."""
    rows = [row.split(":") for row in path.read_text().partition("@data")[2].split()]
    X = np.array([[[float(value) for value in feature.split(",")] for feature in row[:-1]] for row in rows])
    return X.transpose(0, 2, 1), np.array([row[-1] for row in rows])


def invent(n, seed):
    """Make n recordings of unequal length, (T_i, 3) each: a hand swings in the pace and size of the activity."""
    rng = np.random.default_rng(seed)
    paces = {"standing": (0.1, 0.0), "walking": (1.0, 1.0), "running": (1.2, 2.5), "badminton": (0.4, 1.5)}
    y = rng.choice(list(paces), size=n)
    X = []
    for label in y:
        frequency, size = np.array(paces[label]) * rng.uniform(0.7, 1.3)
        steps = np.arange(rng.integers(40, 100))[:, None] / 10 + rng.uniform(0, 10)
        X.append(size * np.sin(2 * np.pi * frequency * steps + [0.0, 1.0, 2.0]) + rng.normal(size=(len(steps), 3)))
    return X, y


folder = Path(os.environ.get("RNNFORECAST_DATA", "")) / "ucr" / "BasicMotions"
if folder.is_dir():
    (X, y), (X_test, y_test) = (read_ts(folder / f"BasicMotions_{part}.ts") for part in ("TRAIN", "TEST"))
else:
    (X, y), (X_test, y_test) = invent(80, seed=0), invent(80, seed=1)
print(f"{len(X)} recordings to learn from, {len(X_test)} to be told")

# A list of arrays (T_i, F) holds recordings of unequal length; an array (n, T, F) is as good where all are equal.
classifier = RNNClassifier(random_state=0).fit(X, y)
print(f"accuracy {classifier.score(X_test, y_test):.3f}")
names = classifier.classes_
confusion = confusion_matrix(y_test, classifier.predict(X_test), labels=names)
print(pd.DataFrame(confusion, index=names, columns=names).rename_axis(index="true", columns="predicted"))
print(pd.DataFrame(classifier.predict_proba(X_test)[:3], columns=names).round(3))

# Each recording is a row, so ordinary cross-validation is the right one, and scikit-learn's search works as ever.
grid = {"cell": ["gru", "lstm"], "attention": [None, "additive"]}
search = GridSearchCV(RNNClassifier(random_state=0), grid, cv=4).fit(X, y)
print(f"best by cross-validation: {search.best_params_}, accuracy {search.best_score_:.3f}")

# What next: 07_motif_tagging.py gives a label to every step instead of one to each sequence.
