"""Campaigns: a table of people in, one row for each of them out, whatever happens in between.

::

    file = Path("recipients.csv")
    with sms_core.connect() as sms, Store(place_of(file), sms) as store:
        run = begin_run(store)
        with plan_campaign(sms, open_table(file), run=run) as planned:
            print(planned.estimate.points)
            run.add(planned, sms)
        send(run)
        export(run, Path("results.csv"))

======================  ===============================================================================
`open_table`            a CSV file or a workbook as a `TableFile`, which reads its rows one after another and keeps none;
                        `read_table` gives a `Table`, which has a `Row` for each person
`MessageDefaults`       what holds for every row: one text, a subject, a time, a vendor's options
`plan_campaign`         the table checked and rendered, as a `Planned`; nothing is sent
`Estimate`              what sending would take and cost; its `Example`s are three texts, its `SegmentCount`s say why
`Changes`               how a file differs from what its run has put
`place_of`, `Store`     where the runs of a file are kept: the `Place` of an outbox
`begin_run`             a `Run` of the file, begun or gone on with; `find_run` and `runs_of` begin none
`Run`                   what was put and what became of it (`Overview`, `RunRow`), and its verbs
`send`                  sends what waits in a run, beside whoever else does; gives a `Sending`
`export`                the result file
`RowResult`             what is known of one row; its `RowOutcome` above all
======================  ===============================================================================

Nothing here needs a terminal; the command ``sms campaign`` is one user of it, and
``examples/campaign/demo.py`` another.
"""

from typing import TYPE_CHECKING

from sms_core.lazy import lazy_names

if TYPE_CHECKING:
    from sms_core_cli.campaign.estimate import Estimate, Example, SegmentCount
    from sms_core_cli.campaign.export import Exported, export, is_result_file
    from sms_core_cli.campaign.message_defaults import MessageDefaults
    from sms_core_cli.campaign.overview import Overview, Pause
    from sms_core_cli.campaign.places import Place, place_of
    from sms_core_cli.campaign.planning import Planned, plan_campaign
    from sms_core_cli.campaign.reading.moments import parse_moment
    from sms_core_cli.campaign.reasons import Reasons
    from sms_core_cli.campaign.row_results import RowOutcome, RowResult
    from sms_core_cli.campaign.run import Run, begin_run, find_run, runs_of
    from sms_core_cli.campaign.run_rows import RunRow
    from sms_core_cli.campaign.sending import Sending, missing_points, send
    from sms_core_cli.campaign.staging import Changes
    from sms_core_cli.campaign.store import Store
    from sms_core_cli.campaign.table import Row, Table, TableFile, open_table, read_table
else:
    # A command that sends no campaign has no use for a database.
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "sms_core_cli.campaign.estimate": ("Estimate", "Example", "SegmentCount"),
            "sms_core_cli.campaign.export": ("Exported", "export", "is_result_file"),
            "sms_core_cli.campaign.message_defaults": ("MessageDefaults",),
            "sms_core_cli.campaign.overview": ("Overview", "Pause"),
            "sms_core_cli.campaign.places": ("Place", "place_of"),
            "sms_core_cli.campaign.planning": ("Planned", "plan_campaign"),
            "sms_core_cli.campaign.reading.moments": ("parse_moment",),
            "sms_core_cli.campaign.reasons": ("Reasons",),
            "sms_core_cli.campaign.row_results": ("RowOutcome", "RowResult"),
            "sms_core_cli.campaign.run": ("Run", "begin_run", "find_run", "runs_of"),
            "sms_core_cli.campaign.run_rows": ("RunRow",),
            "sms_core_cli.campaign.sending": ("Sending", "missing_points", "send"),
            "sms_core_cli.campaign.staging": ("Changes",),
            "sms_core_cli.campaign.store": ("Store",),
            "sms_core_cli.campaign.table": ("Row", "Table", "TableFile", "open_table", "read_table"),
        },
    )

__all__ = [
    "Changes",
    "Estimate",
    "Example",
    "Exported",
    "MessageDefaults",
    "Overview",
    "Pause",
    "Place",
    "Planned",
    "Reasons",
    "Row",
    "RowOutcome",
    "RowResult",
    "Run",
    "RunRow",
    "SegmentCount",
    "Sending",
    "Store",
    "Table",
    "TableFile",
    "begin_run",
    "export",
    "find_run",
    "is_result_file",
    "missing_points",
    "open_table",
    "parse_moment",
    "place_of",
    "plan_campaign",
    "read_table",
    "runs_of",
    "send",
]
