"""What an error message of this pack looks like: one sentence that says what is wrong and what to do."""

from __future__ import annotations

import re

RAW = re.compile(r"Traceback|\b\w*(Error|Exception|Warning)\b\s*[:(]|<class |object at 0x")
QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|\([^()]*\)")
TWO_SENTENCES = re.compile(r"[.!?]\s+[A-Z]")
ADVICE = re.compile(r"; |\b(needed|takes|needs|choose|give|must|use|check|it is)\b|\bat (most|least)\b")


def faults_of(message: str) -> list[str]:
    """What keeps a message from being one sentence with advice; empty if it is one."""
    plain = QUOTED.sub("''", message)
    checks = {
        "is empty": not message.strip(),
        "has a line break": "\n" in message or "\r" in message,
        "does not end with a full stop": not message.endswith((".", "?")),
        "is more than one sentence": bool(TWO_SENTENCES.search(plain)),
        "shows Python's own words": bool(RAW.search(message)) or "None" in plain.split(),
        "does not say what to do": not ADVICE.search(message),
        "is longer than a sentence may be": len(message) > 900,
    }
    return [fault for fault, found in checks.items() if found]


def assert_one_sentence(error: BaseException | str) -> None:
    """Fails unless the error's message is one sentence that says what is wrong and what to do."""
    faults = faults_of(str(error))
    assert not faults, f"{error!s} -- {', '.join(faults)}"
