"""Where public data sets are, and what their bytes are: addresses, places in the data folder, checksums."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rnnforecast.datasets.download import download
from rnnforecast.datasets.folder import get_data_home

Folder = str | os.PathLike[str] | None


@dataclass(frozen=True)
class PublicFile:
    """A file that everybody can download.

    Parameters
    ----------
    address : str
    path : str
        Where it goes in the data folder.
    sha256 : str or None
        None where the published bytes are not known for sure; the content is checked instead.
    elsewhere : str or None
        A second place in the data folder, for files placed by hand.
    """

    address: str
    path: str
    sha256: str | None
    elsewhere: str | None = None

    def fetch(
        self,
        data_home: Folder,
        download_if_missing: bool,
        verbose: bool,
        check: Callable[[Path], object] | None = None,
    ) -> Path:
        """Return the path of the file, which is downloaded first if the data folder does not hold it."""
        folder = get_data_home(data_home)
        for name in filter(None, (self.path, self.elsewhere)):
            if (folder / name).is_file():
                return folder / name
        path = folder / self.path
        if not download_if_missing:
            raise FileNotFoundError(f"{path} is not there; download_if_missing=True fetches it from {self.address}")
        download(self.address, path, sha256=self.sha256, check=check, verbose=verbose)
        return path


# Addresses name a commit where there is one, which keeps the bytes what they are.
ETTH1 = PublicFile(
    "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/1d16c8f4f943005d613b5bc962e9eeb06058cf07/ETT-small/ETTh1.csv",
    "electricity/ETTh1.csv",
    "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066",
)
JENA = PublicFile(
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/jena_climate_2009_2016.csv.zip",
    "weather/jena_climate_2009_2016.csv.zip",
    "63d757501e92284a7de7cdbef0337f03b24e13ead7ac2b5b8c86a18d8e38ba5b",
    elsewhere="weather/jena_climate_2009_2016.csv",
)
STOCKS = {
    symbol: PublicFile(f"https://sampledata.bokeh.org/{symbol}.csv", f"stock/{symbol}.csv", sha256)
    for symbol, sha256 in {
        "AAPL": "855f0b122ac0e4c5b9464d1862f6c56bcd2c1cd7eb94db6fa6c798546964dff8",
        "MSFT": "b3d95da3b72a786616c10b196999c5fc2f7e42dc37be0723ae9038a9244f0f82",
    }.items()
}
M4_SHAPES = {  # series and values held back of each (Makridakis et al., 2020, table 1)
    "yearly": (23000, 6),
    "quarterly": (24000, 8),
    "monthly": (48000, 18),
    "weekly": (359, 13),
    "daily": (4227, 14),
    "hourly": (414, 48),
}
_M4 = "https://raw.githubusercontent.com/Mcompetitions/M4-methods/master/Dataset"
M4 = {  # files of the known values, and of those held back
    frequency: tuple(
        PublicFile(f"{_M4}/{part}/{name}", f"m4/{name}", sha256)
        for part, name, sha256 in (
            ("Train", f"{frequency.capitalize()}-train.csv", known),
            ("Test", f"{frequency.capitalize()}-test.csv", held_back),
        )
    )
    for frequency, (known, held_back) in {
        "yearly": (
            "6aa668d4f04654c0bf5f07b266a51c556f0df2faf4709f852653755396a249e4",
            "6dc2dd45b3af320389e2d3735cb4b3cdf320b63cbcda15d1a17193ab99702306",
        ),
        "quarterly": (
            "4450678cd493aa965c14bde984a5b62a66d8c3b2f7af1e53779bc91ff008ccdc",
            "bf1cab3b969a744c220cdc148e3829803eaa5da2754270fc4f376e775cd7d0ae",
        ),
        "monthly": (
            "63aaa56198b4a22279a2fec541f56921f3bed6d8e0f84e550206df9276f2e9b9",
            "5e3538bf23b4a09f4078180c3e2b34859f0382e1c4f22564affc1797e8f3f48f",
        ),
        "weekly": (
            "d478d3f6ed673e6ed3c2cb0fbed5425f72eedd51318ebebeb0b5ecfcefc37714",
            "3b2bc4be8e636e802260dcd843ca3c5da40536a1fbe1ecb3229a97dae4f44688",
        ),
        "daily": (
            "78e94591c60c06309f1e544fd7b2ccba28f3616b01913dd336a1d1d98483a1ec",
            "633b0815626ae266d36872c4d53e95eb93ee8d43e79587fceec519eba3e6b05e",
        ),
        "hourly": (
            "ea59b7783573c49077a835ab6465c7d66f1474783360f310988a9a737fbca62f",
            "71a57fccb15e534d973626ada4fb87febf789e9317715b7cc6dd3b5f90db6f42",
        ),
    }.items()
}
_NAB = "https://raw.githubusercontent.com/numenta/NAB/ea702d75cc2258d9d7dd35ca8e5e2539d71f3140"
NAB_WINDOWS = PublicFile(
    f"{_NAB}/labels/combined_windows.json",
    "anomaly/combined_windows.json",
    "1e1fbc4601321aad8d0f8b3784c8134299379f68f6c1f7777565f8ffd57ab6b1",
)
_NAB_SHA256 = {
    "art_daily_flatmiddle": "ea5df125947e9ee2b977ac3d341f3c2a029588862af97cae4a654fc56e838702",
    "ambient_temperature_system_failure": "230b68ccca20f59d562afd5d24ad52939c9b784386bed0054018358bf9120581",
    "cpu_utilization_asg_misconfiguration": "58ba65dc0737cfbac11b51514476d50c438d44011232144bb8d93f392df58f9f",
    "ec2_request_latency_system_failure": "98378580aa80157e057c61d59d81daddccc6c65a2c0c800e3f01f603b8215c3f",
    "machine_temperature_system_failure": "92bf5b87fc7f9bba8ca0b7ec63ccaac8cb4a1371a258e8c29a10ae9c018d82a4",
    "nyc_taxi": "d8fa6f7f0734bf5c8be12c52a94e20a82664c397d9dec4449156bd453d32856d",
}


def nab_series(key: str) -> PublicFile:
    """Return the file of a series of the anomaly benchmark, named as in its labels."""
    name = Path(key).stem
    return PublicFile(f"{_NAB}/data/{key}", f"anomaly/nab/{key}", _NAB_SHA256.get(name), f"anomaly/{name}.csv")
