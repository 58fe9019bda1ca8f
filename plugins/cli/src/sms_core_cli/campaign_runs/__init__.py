"""What ``sms campaign`` does, beside the library `sms_core_cli.campaign`: it asks, shows and follows.

`Campaign` is ``sms campaign FILE``, `Continuing` its verb ``continue``; `Verb` has the verbs that send nothing.
"""

from sms_core_cli.campaign_runs.continuing import Continuing
from sms_core_cli.campaign_runs.starting import Campaign
from sms_core_cli.campaign_runs.verbs import Verb

__all__ = ["Campaign", "Continuing", "Verb"]
