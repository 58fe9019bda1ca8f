"""A campaign: a table of people in, one row for each of them out, whatever happens in between.

::

    table = read_table(Path("recipients.csv").read_bytes())
    with sms_core.connect() as sms:
        campaign = prepare(sms, table, Wishes())
        print(campaign.estimate.points)
        for step in campaign.send(sms):
            print(step.error or "accepted")
    write_results(Path("results.csv"), table, campaign.standings)

No terminal is needed here; the command ``sms campaign`` is one user of it.
"""

from sms_core_cli.campaign.batches import Batch, Letter, Wishes
from sms_core_cli.campaign.campaign import Campaign, Estimate, Step
from sms_core_cli.campaign.prepare import prepare
from sms_core_cli.campaign.results import is_result_file, read_results, write_results
from sms_core_cli.campaign.standing import RowOutcome, Standing
from sms_core_cli.campaign.table import Row, Table, parse_moment, read_table

__all__ = [
    "Batch",
    "Campaign",
    "Estimate",
    "Letter",
    "Row",
    "RowOutcome",
    "Standing",
    "Step",
    "Table",
    "Wishes",
    "is_result_file",
    "parse_moment",
    "prepare",
    "read_results",
    "read_table",
    "write_results",
]
