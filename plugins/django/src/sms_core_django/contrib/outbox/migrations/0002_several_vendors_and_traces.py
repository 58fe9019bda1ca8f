"""Rows that go from vendor to vendor, and puts that know their trace: version 2 of the outbox's tables."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sms_outbox", "0001_initial")]

    operations = [
        migrations.AddField(model_name="account", name="rests_until", field=models.BigIntegerField(null=True)),
        migrations.AddField(model_name="put", name="trace", field=models.CharField(max_length=55, null=True)),
        migrations.AddField(model_name="row", name="route", field=models.TextField(null=True)),
    ]
