"""What fails, where, and how sure the model was, in plain sentences: templates over figures, nothing else.

A sentence is left out where its figures are missing or too few; how few that is, is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from workbench.analysis.confusions import Confusions
from workbench.analysis.strata import Strata, Stratum, wilson

FEW = 10
"""Wrong pixels below which nothing is said about them but how many there are."""
TELLING = 1.5
"""Times as often as right ones that wrong pixels must lie in a bin to be told."""
APART = 0.1
"""By how much `Strata.larger` must differ from 0.5 for its covariate to be told."""
CLEAR, NEAR = 1.0, 0.25
"""A band could have told classes apart whose distance is `CLEAR` or more, at pixels `NEAR` or less of the way."""


@dataclass(frozen=True)
class Place:
    """Errors against one covariate.

    Attributes:
        what: The covariate in a sentence, such as ``the distance to the nearest label of another class``.
        unit: Unit behind a value; empty for none.
        strata: Its bins.
    """

    what: str
    unit: str
    strata: Strata


@dataclass(frozen=True)
class BetweenSpectra:
    """Where the pixels of a class that are taken for another lie between the two.

    Attributes:
        mapped: Class value of the other.
        band: Modality and name of the band in which right pixels of the two differ most.
        distance: Jeffries-Matusita distance of the two in that band, 0 to 2.
        way: Mean of the mistaken pixels on the way from the right ones of the class (0) to those of the other (1).
        seen: Whether the model sees the modality.
    """

    mapped: int
    band: str
    distance: float
    way: float
    seen: bool = True


@dataclass(frozen=True)
class ClassFacts:
    """What the sentences about one class are made of.

    Attributes:
        value: Class value.
        confusions: All confused pairs of the run.
        names: Class names by value.
        places: Its errors against what is known of its pixels.
        sure: Mean probability that the model gave its answer: at wrong and at right pixels; None where there are none.
        very_sure: Wrong pixels whose answer got 0.9 or more.
        between: Spectra of its commonest mistake.
        helped: Modality to points (hundredths) by which its producer's accuracy is lower when retrained without it.
        words: What a hit is called: ``is found in``, or ``gets the class of the map in``.
    """

    value: int
    confusions: Confusions
    names: dict[int, str]
    places: Sequence[Place] = ()
    sure: tuple[float | None, float | None] = (None, None)
    very_sure: int = 0
    between: BetweenSpectra | None = None
    helped: tuple[tuple[str, float], ...] = ()
    words: str = "is found in"


def run_sentences(confusions: Confusions, names: dict[int, str], doubted: int | None = None) -> tuple[str, ...]:
    """How much is wrong, in which classes and pairs.

    Args:
        confusions: The confused pairs of the run.
        names: Class names by value.
        doubted: Labels that are likely wrong themselves; None where none were looked for.
    """
    pixels, wrong = sum(confusions.support), sum(confusions.wrong)
    of = f"of the {pixels:,} test pixels" if pixels != 1 else "of the one test pixel"
    said = [f"{wrong:,} {of} are wrong{_share(wrong, pixels)}. None of them was trained on."]
    empty = [names[value] for value, count in zip(confusions.classes, confusions.support, strict=True) if not count]
    if empty:
        said.append(f"Nothing can be said of classes without test pixels: {', '.join(empty)}.")
    if wrong >= FEW:
        count = min(3, len(confusions.pairs))
        told = [f"{names[p.reference]} taken for {names[p.mapped]} ({p.pixels:,})" for p in confusions.pairs[:count]]
        part = sum(pair.pixels for pair in confusions.pairs[:count])
        kinds = "commonest confusion makes" if count == 1 else f"{count} commonest confusions make"
        said.append(f"The {kinds} up {_percent(part / wrong)} of the errors: {'; '.join(told)}.")
    if doubted and 2 * wrong > pixels:
        said.append(
            f"The labels of {doubted:,} test pixels{_share(doubted, pixels)} are doubted by confident learning, but a model "
            "that is wrong more often than right cannot judge labels."
        )
    elif doubted:
        said.append(
            f"The labels of {doubted:,} test pixels{_share(doubted, pixels)} are doubted by confident learning. Look at "
            "them: classes that the model itself confuses are doubted too."
        )
    return _clean(said)


def class_sentences(facts: ClassFacts) -> tuple[str, ...]:
    """What fails of one class, where, and how sure the model was."""
    at = facts.confusions.classes.index(facts.value)
    pixels, wrong = facts.confusions.support[at], facts.confusions.wrong[at]
    name = _sentence(facts.names[facts.value])
    if not pixels:
        return (f"{name} has no test pixel: nothing can be said of it.",)
    hits = pixels - wrong
    if pixels < FEW:
        return (f"{name}: {hits} of {pixels} test pixels are right, too few to say more.", *_alarms(facts, at))
    low, high = wilson(hits, pixels)
    said = [
        (
            f"{name} {facts.words} {_percent(hits / pixels)} of its {pixels:,} test pixels ({hits:,}; 95 % interval "
            f"{_figure(low)} to {_figure(high)} %, were pixels independent)."
        )
    ]
    if not wrong:
        return (*said, *_alarms(facts, at))
    if wrong < FEW:
        return (*said, f"Too few pixels are wrong to say more: {wrong}.", *_alarms(facts, at))
    pairs = facts.confusions.of(facts.value)[:3]
    told = [f"{p.pixels:,} ({_percent(p.of_errors)}) for {facts.names[p.mapped]}" for p in pairs]
    if pairs[0].pixels == wrong:
        said.append(f"All {wrong:,} wrong pixels are taken for {facts.names[pairs[0].mapped]}.")
    else:
        said.append(f"Of its {wrong:,} wrong pixels, the map takes {_listed(told)}.")
    said += [*_places(facts), *_sureness(facts, wrong), *_spectra(facts), *_modalities(facts), *_alarms(facts, at)]
    return _clean(said)


def _places(facts: ClassFacts) -> list[str]:
    """The two covariates that tell wrong from right best, each in the bin where wrong pixels gather most."""
    looked = [place for place in facts.places if place.strata.larger is not None]
    found: list[tuple[float, Place, Stratum]] = []
    for place in looked:
        strength = abs((place.strata.larger or 0.0) - 0.5)
        bins = [one for one in place.strata.bins if one.wrong >= FEW and _gathered(one) >= TELLING]
        if bins and strength >= APART:
            found.append((strength, place, max(bins, key=_gathered)))
    if not found:
        told = ", ".join(one.what for one in looked)
        return [f"Nothing looked at sets them apart from its right pixels: {told}."] if looked else []
    found.sort(key=lambda one: -one[0])
    said = []
    for _, place, one in found[:2]:
        right, hits = one.pixels - one.wrong, place.strata.pixels - place.strata.wrong
        where = f"Where {place.what} is {one.name}{f' {place.unit}' if place.unit else ''}"
        counts = f"({one.wrong:,} of {place.strata.wrong:,} wrong, {right:,} of {hits:,} right)"
        if right:
            said.append(
                f"{where}, its wrong pixels lie {_gathered(one):.1f} times as often as its right ones {counts}."
            )
        else:
            said.append(
                f"{where}, all of its pixels are wrong ({one.wrong:,} of its {place.strata.wrong:,} wrong ones)."
            )
    return said


def _gathered(one: Stratum) -> float:
    """How many times as often as right ones the wrong pixels lie in a bin; infinite where no right one does."""
    return one.ratio if one.ratio is not None else inf


def _sureness(facts: ClassFacts, wrong: int) -> list[str]:
    at_wrong, at_right = facts.sure
    if at_wrong is None:
        return []
    beside = "" if at_right is None else f", and {at_right:.2f} where it is right"
    very = f"{facts.very_sure:,} of {wrong:,}" if facts.very_sure else "none"
    return [f"The model is {at_wrong:.2f} sure of them on average{beside}; {very} got 0.9 or more."]


def _spectra(facts: ClassFacts) -> list[str]:
    between = facts.between
    if between is None:
        return []
    name, other = facts.names[facts.value], facts.names[between.mapped]
    unseen = "" if between.seen else ", which the model does not see"
    first = f"It differs most from {other} in {between.band}{unseen} (Jeffries-Matusita distance {between.distance:.2f} of 2)."
    if between.way <= 0:
        where = f"are no nearer to right {other} than right {name} is"
    elif between.way >= 1:
        where = f"lie as far from right {name} as right {other} does, or farther"
    else:
        where = f"lie {_percent(between.way)} of the way from right {name} to right {other}"
    clear = between.distance >= CLEAR and between.way <= NEAR
    return [first, f"There the pixels taken for {other} {where}{': it could have told them apart' if clear else ''}."]


def _modalities(facts: ClassFacts) -> list[str]:
    said = []
    for modality, points in facts.helped:
        if abs(points) < 1:
            said.append(f"retrained once without {modality}, as many of its pixels are found (within 1 point)")
        else:
            more = "fewer" if points > 0 else "more"
            said.append(f"retrained once without {modality}, {abs(points):.0f} points {more} of its pixels are found")
    if not said:
        return []
    return [_sentence(f"{'; '.join(said)}.")]


def _alarms(facts: ClassFacts, at: int) -> list[str]:
    count = facts.confusions.false_alarms[at]
    if count < FEW:
        return []
    pairs = [pair for pair in facts.confusions.pairs if pair.mapped == facts.value]
    most = "most" if 2 * pairs[0].pixels > count else "the largest part"
    first = f"{most} of them {facts.names[pairs[0].reference]} ({pairs[0].pixels:,})"
    return [f"{count:,} pixels of other classes are taken for {facts.names[facts.value]}, {first}."]


def _share(part: int, whole: int) -> str:
    return f" ({_percent(part / whole)})" if whole else ""


def _percent(share: float) -> str:
    return f"{_figure(share)} %"


def _figure(share: float) -> str:
    """Whole percent; near the ends with a decimal, for what is not all is never called 100, nor what is something 0."""
    percent = 100 * share
    if 0 < percent < 0.05:
        return "less than 0.1"
    if 99.95 <= percent < 100:
        return "more than 99.9"
    return f"{percent:.1f}" if 0 < percent < 1 or 99 < percent < 100 else f"{percent:.0f}"


def _clean(said: Sequence[str]) -> tuple[str, ...]:
    """Sentences with one full stop each: names may end in one, as "Betula sp."."""
    return tuple(sentence.replace("..", ".") for sentence in said)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
