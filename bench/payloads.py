"""What clients send: words, requests that a desk takes, checks."""

from __future__ import annotations

import json
import random
from typing import Any

PARTNERS = 5_000
VOCABULARY = 3_000
SENTENCES = 2_000
SENTENCES_OF_A_DESCRIPTION = 8

# Placeholders that the load generator and the capture fill in: seven and nine digits.
PARTNER = "@PARTNER@"
CUSTOMER = "@CUSTOMER@"

COMMON = ["the", "of", "and", "for", "to", "with", "a", "in", "on", "is", "are", "by", "from", "their", "as", "each", "that", "all", "new", "at", "partner", "customer", "team", "cloud", "data", "design", "session", "identity", "network", "region", "workload", "landing", "zone", "migration", "storage", "cluster", "tenant", "policy", "model", "review", "roadmap", "platform", "application", "services", "security", "architects", "branch", "retail", "bank", "hospital", "plant", "logistics", "insurer", "university", "city", "energy", "backup", "gateway", "monitoring", "pipeline", "container", "kubernetes", "database", "warehouse", "analytics", "reporting", "dashboard", "integration", "governance", "budget", "licence", "pilot", "proof", "concept", "rollout", "training", "adoption", "desktop", "device", "endpoint", "compliance", "audit", "residency", "latency", "throughput", "scaling", "automation"]

_SYLLABLES = ["al", "bo", "cer", "di", "em", "fa", "gor", "hu", "in", "jo", "ka", "lu", "mo", "ner", "os", "pa", "qui", "ra", "sol", "ti", "ur", "ve", "wi", "xa", "yor", "zen"]


def _vocabulary(chance: random.Random) -> list[str]:
    """Words from the commonest to the rarest."""
    words = dict.fromkeys(COMMON)
    while len(words) < VOCABULARY:
        words["".join(chance.choices(_SYLLABLES, k=chance.choice([2, 3, 3, 4])))] = None
    return list(words)


class Language:
    """Sentences in which a word's frequency goes by its rank, as it does in what people write."""

    def __init__(self, seed: int = 1) -> None:
        self.chance = random.Random(seed)
        self.words = _vocabulary(self.chance)
        self.sentences = [self._sentence() for _ in range(SENTENCES)]

    def _sentence(self) -> str:
        ranks = [int(VOCABULARY ** self.chance.random()) - 1 for _ in range(15)]
        return " ".join(self.words[rank] for rank in ranks).capitalize() + "."

    def description(self) -> str:
        """About 800 bytes."""
        return " ".join(self.chance.sample(self.sentences, SENTENCES_OF_A_DESCRIPTION))

    def two_words(self) -> str:
        """Words that somebody would search for: neither the commonest nor the rarest."""
        sentence = self.chance.choice(self.sentences).lower().strip(".").split()
        known = [word for word in sentence if self.words.index(word) >= 30]
        return "+".join(self.chance.sample(known, 2)) if len(known) >= 2 else self.two_words()

    def common_words(self) -> list[str]:
        """Words that stand in one of ten requests to one of two."""
        shares = {word: 0.0 for word in self.words}
        for sentence in self.sentences:
            for word in set(sentence.lower().strip(".").split()):
                shares[word] += SENTENCES_OF_A_DESCRIPTION / SENTENCES
        return [word for word, share in shares.items() if 0.1 <= share <= 0.5]


def _request(language: Language, desk: str, **facts: Any) -> dict[str, Any]:
    return {
        "desk": desk,
        "title": f"Landing zone for customer {CUSTOMER}",
        "description": language.description(),
        "solution_area": "infrastructure",
        "partner": {"mpn_id": PARTNER, "name": f"Partner {PARTNER} Consulting", "member": True,
                    "partner_center_access": True},
        "customer": {"kind": "named", "name": f"Fabrikam {CUSTOMER} Bank", "consent": True},
        "estimated_hours": 16,
        "delivery": "remote",
        "priority": "normal",
        "needed_by": "2030-01-15",
        **facts,
    }


def eligible(language: Language, desk: str) -> dict[str, Any]:
    """A request that the desk takes."""
    wanted = {
        "pad": {"service": "architecture_design_session", "motion": "sell_with"},
        "gps": {"service": "roadmap_planning", "motion": "build_with"},
        "tpd": {"service": "deployment_consultation", "motion": "sell_with"},
    }
    return _request(language, desk, **wanted[desk])


def ineligible(language: Language) -> dict[str, Any]:
    """A request that is too long for Technical Presales and Deployment."""
    return {**eligible(language, "tpd"), "estimated_hours": 40}


def filled(body: dict[str, Any] | str, partner: int, customer: int) -> str:
    """The body with a partner and a customer in it."""
    text = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))
    return text.replace(PARTNER, f"{partner:07d}").replace(CUSTOMER, f"{customer:09d}")


def create_bodies(language: Language, count: int = 500) -> list[str]:
    """Bodies of the commonest request, to be filled in."""
    return [json.dumps(eligible(language, "pad"), separators=(",", ":")) for _ in range(count)]


def check_bodies(language: Language, count: int = 500) -> list[str]:
    """Bodies for dry runs: half for one desk, half for all."""
    bodies = []
    for number in range(count):
        facts = eligible(language, "pad")
        if number % 2:
            del facts["desk"]
        bodies.append(json.dumps(facts, separators=(",", ":")))
    return bodies
