"""How a file of people is read: its encoding, its rows, which column is what, and the times in it.

`sms_core_cli.campaign.table` puts it together.
"""
