"""What was met, in words: every rule with where it is from, and what each target did."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from attrs import Factory, define

_FIGURE = "; measured: "


@define
class Table:
    """A plugin of pytest that keeps what the tests recorded."""

    rules: dict[str, dict[str, list[str]]] = Factory(dict[str, dict[str, list[str]]])
    """What each target did, by rule; several answers where a rule has several cases."""
    left_out: dict[str, list[str]] = Factory(dict[str, list[str]])
    """Which rules the service was not asked, by the reason."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in one part of a test; a failure on the way to it, or after it, counts as one."""
        told = dict(report.user_properties)
        if "rule" not in told or (report.when != "call" and report.passed):
            return
        rule, target = str(told["rule"]), str(told["target"])
        said = self.rules.setdefault(rule, {}).setdefault(target, [])
        word = verdict(passed=report.passed, met=told.get("met"))
        if "measured" in told:
            word = f"{word}{_FIGURE}{told['measured']}"
        if word not in said:
            said.append(word)
        if "left out" in told:
            rules = self.left_out.setdefault(str(told["left out"]), [])
            if rule not in rules:
                rules.append(rule)


def verdict(*, passed: bool, met: object) -> str:
    """One word or more for one test."""
    if met is not None:
        return str(met) if passed else f"{met} (not known so far)"
    return "holds" if passed else "does not hold"


def words(
    rules: Mapping[str, Mapping[str, list[str]]], left_out: Mapping[str, list[str]] | None = None
) -> str:
    """The whole table; where targets differ comes first, what the service was not asked last."""
    parts = []
    differing = [
        rule for rule, told in rules.items() if len({_behaviour(said) for said in told.values()}) > 1
    ]
    if differing:
        parts += ["Where they differ:", *(_told(rule, rules[rule]) for rule in differing), ""]
    failing = [rule for rule, told in rules.items() if any(_bad(said) for said in told.values())]
    for source in ("[documented]", "[seen]", "[unproven]"):
        of_it = [rule for rule in rules if rule.startswith(source)]
        if of_it:
            parts += [f"{source[1:-1].capitalize()}:", *(_told(rule, rules[rule]) for rule in of_it), ""]
    for reason, unasked in (left_out or {}).items():
        parts += [f"Not asked of the service, because {reason}:"]
        parts += [*(f"  {rule.partition('] ')[2]}" for rule in unasked), ""]
    targets = sorted({target for told in rules.values() for target in told})
    compared = (
        f"{len(differing)} of them with different answers" if len(targets) > 1 else "nobody to compare with"
    )
    parts.append(
        f"{len(rules)} rules asked of {' and '.join(targets)}, {compared}; {len(failing)} do not hold."
    )
    return "\n".join(parts)


def _behaviour(said: list[str]) -> tuple[str, ...]:
    """What was met, without figures: those differ from run to run."""
    return tuple(word.partition(_FIGURE)[0] for word in said)


def _bad(said: list[str]) -> bool:
    return any(word.startswith("does not hold") or "(not known so far)" in word for word in said)


def _told(rule: str, told: Mapping[str, list[str]]) -> str:
    answers = [f"      {target}: {'; '.join(said)}" for target, said in sorted(told.items())]
    return "\n".join([f"  {rule.partition('] ')[2]}", *answers])
