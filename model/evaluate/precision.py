"""Mean weighted average precision of RareAct (arXiv 2008.01018, 4; antoine77340/RareAct).

For each action, the clips that show it against those that do not: clips annotated so, and clips
that show another action. A clip weighs one over the number of clips of its video in its group, and
those that share verb or noun with the action are a group of their own.
"""

import numpy as np
import numpy.typing as npt

from model.evaluate.intervals import Values

OWN, VIDEO, ACTION, SEEN, VERB, NOUN = range(6)
"""The columns before the scores: the clip's score of its own action; numbers of its video and its
action; its annotation, 1 where the action is seen; numbers of the action's verb and noun."""

COLUMNS = 6


def mean_weighted_precision(values_NC: Values) -> float:
    """The mean over actions of the weighted average precision; nan where no action is seen.

    Args:
        values_NC: a row a clip: COLUMNS, then its score of every action.
    """
    found = [_of_action(values_NC, action) for action in np.unique(values_NC[:, ACTION])]
    defined = [value for value in found if not np.isnan(value)]
    return float(np.mean(defined)) if defined else float("nan")


def _of_action(values_NC: Values, action: float) -> float:
    own_N = values_NC[:, ACTION] == action
    seen_N = values_NC[:, SEEN] == 1
    right_N = own_N & seen_N
    if not right_N.any():
        return float("nan")
    verb, noun = values_NC[own_N][0, [VERB, NOUN]]
    shares_N = (values_NC[:, VERB] == verb) | (values_NC[:, NOUN] == noun)
    other_N = ~own_N & seen_N
    hard_N = (own_N & (values_NC[:, SEEN] > 1)) | (other_N & shares_N)
    easy_N = (own_N & (values_NC[:, SEEN] == 0)) | (other_N & ~shares_N)
    scores_N = values_NC[:, COLUMNS + int(action)]
    weights_N = np.zeros(len(values_NC))
    for group_N in (right_N, hard_N, easy_N):
        weights_N[group_N] = _weights(values_NC[group_N, VIDEO])
    taken_N = right_N | hard_N | easy_N
    return average_precision(scores_N[taken_N], right_N[taken_N], weights_N[taken_N])


def _weights(videos_N: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """One over the number of clips of each clip's video."""
    _, place_N, count_V = np.unique(videos_N, return_inverse=True, return_counts=True)
    weights_N: npt.NDArray[np.float64] = 1.0 / count_V[place_N]
    return weights_N


def average_precision(
    scores_N: npt.NDArray[np.float64],
    right_N: npt.NDArray[np.bool_],
    weights_N: npt.NDArray[np.float64],
) -> float:
    """The mean precision at each score, weighted by the recall that it adds; ties come together."""
    order = np.argsort(-scores_N, kind="stable")
    scores_N, right_N, weights_N = scores_N[order], right_N[order], weights_N[order]
    last_N = np.append(np.flatnonzero(np.diff(scores_N)), len(scores_N) - 1)
    hits = np.cumsum(weights_N * right_N)[last_N]
    taken = np.cumsum(weights_N)[last_N]
    return float((np.diff(hits, prepend=0.0) * hits / taken).sum() / hits[-1])
