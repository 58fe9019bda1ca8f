"""The chart on the page about performance shows the results that stand beside it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

from tests.bench.report import FOLDER, chart

RESULTS = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))
CHART = (FOLDER / "chart.svg").read_text(encoding="utf-8")


def test_the_chart_is_that_of_the_results() -> None:
    assert chart(RESULTS) == CHART


def test_it_names_each_figure_that_has_a_target_and_the_machine() -> None:
    texts = [element.text for element in ET.fromstring(CHART).iter("{http://www.w3.org/2000/svg}text")]
    with_target = [figure for figure in RESULTS["figures"] if figure["target"]]
    assert {figure["row"] for figure in with_target} >= set(range(1, 14))
    for figure in with_target:
        assert f"{figure['row']}. {figure['name']}".replace("_", "-") in texts
    assert any(text and text.startswith(RESULTS["machine"]) for text in texts)
