"""What a training tells those who watch it, and when."""

from __future__ import annotations

from dataclasses import dataclass

FEWEST_REPORTS = 10  # of a training, unless it makes fewer updates: nobody watches an epoch of minutes in silence


@dataclass(frozen=True)
class Progress:
    """How far a training is; ``str(progress)`` says it in a line.

    Attributes
    ----------
    epoch, n_epochs : int
        The epoch that is under way or has just ended, from 1, and how many there are to be.
    step, n_steps : int
        Updates made, and to be made.
    report, n_reports : int
        Number of this report, from 1, and how many there are to be.
    loss : float
        Mean training loss since the last report.
    validation_loss : float or None
        As it was when last looked at; None where no data are held out.
    done : bool
        Whether the training ends with this report, which may be earlier than planned.
    member, n_members : int
        Which of the networks that are averaged, from 1.
    refit : bool
        Whether it learns again, from all rows.
    seconds : float
        Since the fit began.
    """

    epoch: int
    n_epochs: int
    step: int
    n_steps: int
    report: int
    n_reports: int
    loss: float
    validation_loss: float | None = None
    done: bool = False
    member: int = 1
    n_members: int = 1
    refit: bool = False
    seconds: float = 0.0

    def __str__(self) -> str:
        network = f"network {self.member} of {self.n_members}, " if self.n_members > 1 else ""
        rows = "all rows, " if self.refit else ""
        place = f"epoch {self.epoch} of {self.n_epochs} ({100 * self.step // self.n_steps} %)"
        held_out = "" if self.validation_loss is None else f", validation loss {self.validation_loss:#.4g}"
        return f"{network}{rows}{place}: loss {self.loss:#.4g}{held_out}, {self.seconds:.1f} s"


@dataclass(frozen=True)
class Cadence:
    """Updates after which a training reports: at every validation (or epoch), in parts of these if they are few.

    Parameters
    ----------
    every : int
        Updates from one validation, or end of an epoch, to the next.
    n_steps : int
        Updates in all; a report follows the last.
    """

    every: int
    n_steps: int

    @property
    def pause(self) -> int:
        """Updates between two reports at most."""
        n_parts = -(-FEWEST_REPORTS * self.every // self.n_steps)
        return -(-self.every // n_parts)

    def due(self, step: int) -> bool:
        """Whether a report follows update `step`, from 1."""
        return step == self.n_steps or step % self.every % self.pause == 0

    def count(self, step: int) -> int:
        """Return how many reports there were when that of update `step` has been made."""
        n_intervals, n_more = divmod(step, self.every)
        return n_intervals * -(-self.every // self.pause) + -(-n_more // self.pause)
