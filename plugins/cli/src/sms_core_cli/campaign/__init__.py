"""Campaigns: a table of people in, one row for each of them out, whatever happens in between.

::

    table = read_table(Path("recipients.csv").read_bytes())
    with sms_core.connect() as sms:
        campaign = plan_campaign(sms, table, MessageDefaults(validity=timedelta(hours=4)))
        print(campaign.estimate.points)
        for done in campaign.send(sms):
            print(len(done.places), "rows:", done.error or "accepted")
    write_results(Path("results.csv"), table, campaign.results)

======================  ===============================================================================
`read_table`            a CSV file or a workbook as a `Table`, which has a `Row` for each person; `open_table` gives
                        a `TableFile`, which reads them one after another and keeps none
`mend_numbers`          the table with the leading zeros that a spreadsheet dropped; `mention_mending`
                        only says that there are such
`MessageDefaults`       what holds for every row: one text, a subject, a time, a vendor's options
`plan_campaign`         the table checked, rendered and split into requests; nothing is sent
`Campaign`              sends, settles and takes delivery reports; ``results`` has a `RowResult` for
                        each row, and what that says is true at every moment
`RequestDone`           one answer of the vendor, and the rows that it is about
`Estimate`              what sending would take and cost; its `Example`s are three texts, its `SegmentCount`s say why
`RowResult`             what is known of one row; its `RowOutcome` above all
`write_results`         the result file; `read_results` reads it, to resume a run that was interrupted
`RunFiles`              the same for a run that may be killed: a lock, and a journal beside the result file
======================  ===============================================================================

Nothing here needs a terminal; the command ``sms campaign`` is one user of it, and
``examples/campaign/demo.py`` another.
"""

from sms_core_cli.campaign.campaign import Campaign, RequestDone
from sms_core_cli.campaign.estimate import Estimate, Example, SegmentCount
from sms_core_cli.campaign.mending import mend_numbers, mention_mending
from sms_core_cli.campaign.message_defaults import MessageDefaults
from sms_core_cli.campaign.planning import plan_campaign
from sms_core_cli.campaign.reading.moments import parse_moment
from sms_core_cli.campaign.result_file import is_result_file, read_results, write_results
from sms_core_cli.campaign.row_results import RowOutcome, RowResult
from sms_core_cli.campaign.run_files import RunFiles, read_earlier
from sms_core_cli.campaign.table import Row, Table, TableFile, open_table, read_table

__all__ = [
    "Campaign",
    "Estimate",
    "Example",
    "MessageDefaults",
    "RequestDone",
    "Row",
    "RowOutcome",
    "RowResult",
    "RunFiles",
    "SegmentCount",
    "Table",
    "TableFile",
    "is_result_file",
    "mend_numbers",
    "mention_mending",
    "open_table",
    "parse_moment",
    "plan_campaign",
    "read_earlier",
    "read_results",
    "read_table",
    "write_results",
]
