"""A check of our own for schemathesis: what fits the schema is never called invalid."""

from typing import Any

import schemathesis


@schemathesis.check
def refused_for_a_rule_and_not_for_its_form(ctx: Any, response: Any, case: Any) -> None:
    is_positive = case.meta is not None and case.meta.generation.mode.is_positive
    if is_positive and response.status_code == 422:
        problem = response.json()
        assert problem["code"] == "refused", problem
