"""The tables of the outbox, as ``manage.py makemigrations`` wrote them."""

import django.db.models.deletion
from django.db import migrations, models

import sms_core_django.contrib.outbox.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "name",
                    sms_core_django.contrib.outbox.fields.NameField(
                        max_length=100, primary_key=True, serialize=False, verbose_name="account"
                    ),
                ),
                ("paused_at", models.BigIntegerField(null=True)),
                ("paused_by", models.CharField(max_length=200, null=True, verbose_name="paused by")),
                ("because", models.TextField(null=True, verbose_name="because")),
            ],
            options={
                "verbose_name": "account",
                "verbose_name_plural": "accounts",
                "db_table": "sms_outbox_account",
                "permissions": (("pause_account", "Can pause and resume accounts"),),
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Fact",
            fields=[
                (
                    "name",
                    sms_core_django.contrib.outbox.fields.NameField(max_length=40, primary_key=True, serialize=False),
                ),
                ("value", models.CharField(max_length=200)),
            ],
            options={
                "db_table": "sms_outbox_meta",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                (
                    "name",
                    sms_core_django.contrib.outbox.fields.NameField(
                        max_length=100, primary_key=True, serialize=False, verbose_name="worker"
                    ),
                ),
                ("host", models.CharField(max_length=200, verbose_name="machine")),
                ("pid", models.IntegerField(verbose_name="process")),
                ("boot", models.CharField(max_length=40)),
                ("lock_path", models.TextField(null=True)),
                ("started_at", models.BigIntegerField()),
                ("seen_at", models.BigIntegerField()),
                ("ended_at", models.BigIntegerField(null=True)),
            ],
            options={
                "verbose_name": "worker",
                "verbose_name_plural": "workers",
                "db_table": "sms_outbox_worker",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Put",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("account", models.CharField(max_length=100, verbose_name="account")),
                ("key", models.CharField(max_length=200, verbose_name="key")),
                ("fingerprint", models.CharField(max_length=64)),
                ("purpose", models.CharField(max_length=100, verbose_name="purpose")),
                ("priority", models.IntegerField(verbose_name="priority")),
                ("created_at", models.BigIntegerField(verbose_name="put")),
                ("form", models.IntegerField()),
                ("text", models.TextField(verbose_name="text")),
                ("fields", models.TextField()),
            ],
            options={
                "db_table": "sms_outbox_put",
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("account", "key"), name="sms_outbox_put_key")],
            },
        ),
        migrations.CreateModel(
            name="Report",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("account", models.CharField(max_length=100)),
                ("key", models.CharField(max_length=200)),
                ("number_hash", models.CharField(max_length=32)),
                ("batch_id", models.CharField(max_length=200)),
                ("reference", models.CharField(max_length=200)),
                ("data", models.TextField()),
                ("received_at", models.BigIntegerField()),
            ],
            options={
                "db_table": "sms_outbox_event",
                "default_permissions": (),
                "indexes": [models.Index(fields=["account", "number_hash"], name="sms_outbox_event_number")],
                "constraints": [models.UniqueConstraint(fields=("account", "key"), name="sms_outbox_event_key")],
            },
        ),
        migrations.CreateModel(
            name="Row",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False, verbose_name="number of the row")),
                ("account", models.CharField(max_length=100, verbose_name="account")),
                ("purpose", models.CharField(max_length=100, verbose_name="purpose")),
                ("urgency", models.IntegerField()),
                ("position", models.IntegerField()),
                ("reference", models.CharField(max_length=200, verbose_name="reference")),
                ("number", models.CharField(max_length=40, verbose_name="phone number")),
                ("number_hash", models.CharField(max_length=32)),
                ("text", models.TextField(null=True)),
                ("recipient", models.TextField(null=True)),
                ("likeness", models.CharField(max_length=40)),
                ("send_at", models.BigIntegerField(null=True)),
                ("due_at", models.BigIntegerField()),
                ("deadline_at", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("ready", "waiting"),
                            ("sending", "being sent"),
                            ("accepted", "accepted"),
                            ("refused", "refused"),
                            ("unknown", "unknown"),
                            ("not_sent", "not sent"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("ready_at", models.BigIntegerField()),
                ("attempts", models.IntegerField(default=0, verbose_name="attempts")),
                ("claim", models.CharField(max_length=32, null=True)),
                ("holder", models.CharField(max_length=100, null=True, verbose_name="worker")),
                ("claimed_at", models.BigIntegerField(null=True)),
                ("first_claimed_at", models.BigIntegerField(null=True)),
                ("is_replay", models.BooleanField(default=False)),
                ("batch_id", models.CharField(max_length=200, null=True, verbose_name="batch")),
                ("is_double", models.BooleanField(default=False, verbose_name="sent twice, perhaps")),
                ("error", models.TextField(null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("accepted", "accepted"),
                            ("scheduled", "booked"),
                            ("sent", "sent"),
                            ("delivered", "delivered"),
                            ("expired", "expired"),
                            ("undeliverable", "undeliverable"),
                            ("rejected", "rejected"),
                            ("blocked", "blocked"),
                            ("cancelled", "cancelled"),
                            ("no_credit", "no credit"),
                            ("failed", "failed"),
                            ("unknown", "unknown"),
                        ],
                        max_length=20,
                        null=True,
                        verbose_name="delivery",
                    ),
                ),
                ("changed_at", models.BigIntegerField()),
                ("forgotten_at", models.BigIntegerField(null=True)),
                (
                    "put",
                    sms_core_django.contrib.outbox.fields.CascadingKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="rows",
                        to="sms_outbox.put",
                    ),
                ),
            ],
            options={
                "verbose_name": "text message",
                "verbose_name_plural": "text messages",
                "db_table": "sms_outbox_row",
                "permissions": (
                    ("view_number", "Can see whole phone numbers"),
                    ("view_text", "Can see what a text message says"),
                    ("decide_row", "Can settle, resolve and cancel text messages"),
                ),
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("ready", "waiting"),
                            ("sending", "being sent"),
                            ("accepted", "accepted"),
                            ("refused", "refused"),
                            ("unknown", "unknown"),
                            ("not_sent", "not sent"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=10,
                        verbose_name="became",
                    ),
                ),
                ("by", models.CharField(max_length=200, verbose_name="by")),
                ("why", models.TextField(verbose_name="why")),
                ("claim", models.CharField(max_length=32, null=True)),
                ("batch_id", models.CharField(max_length=200, null=True, verbose_name="batch")),
                ("is_answer", models.BooleanField(default=False)),
                (
                    "row",
                    sms_core_django.contrib.outbox.fields.CascadingKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="changes",
                        to="sms_outbox.row",
                    ),
                ),
            ],
            options={
                "verbose_name": "change",
                "verbose_name_plural": "history",
                "db_table": "sms_outbox_history",
                "default_permissions": (),
            },
        ),
        migrations.AddIndex(
            model_name="row",
            index=models.Index(fields=["put_id"], name="sms_outbox_row_put"),
        ),
        migrations.AddIndex(
            model_name="row",
            index=models.Index(fields=["number_hash"], name="sms_outbox_row_number"),
        ),
        migrations.AddIndex(
            model_name="row",
            index=models.Index(
                condition=models.Q(("batch_id__isnull", False)),
                fields=["account", "batch_id", "number_hash"],
                name="sms_outbox_row_batch",
            ),
        ),
        migrations.AddIndex(
            model_name="row",
            index=models.Index(
                condition=models.Q(("state", "ready")),
                fields=["account", "urgency", "ready_at", "id"],
                name="sms_outbox_row_ready",
            ),
        ),
        migrations.AddIndex(
            model_name="row",
            index=models.Index(
                condition=models.Q(("state", "ready")), fields=["deadline_at"], name="sms_outbox_row_deadline"
            ),
        ),
        migrations.AddIndex(
            model_name="row",
            index=models.Index(
                condition=models.Q(("state", "sending")), fields=["holder"], name="sms_outbox_row_sending"
            ),
        ),
        migrations.AddIndex(
            model_name="row",
            index=models.Index(
                condition=models.Q(("state", "ready"), ("state", "sending"), _connector="OR"),
                fields=["account", "number_hash", "purpose", "urgency", "id"],
                name="sms_outbox_row_turn",
            ),
        ),
        migrations.AddIndex(
            model_name="row",
            index=models.Index(
                condition=models.Q(("state", "unknown")), fields=["account", "id"], name="sms_outbox_row_unknown"
            ),
        ),
        migrations.AddIndex(
            model_name="row",
            index=models.Index(
                condition=models.Q(
                    ("state", "accepted"),
                    models.Q(
                        ("status__isnull", True),
                        ("status", "accepted"),
                        ("status", "scheduled"),
                        ("status", "sent"),
                        ("status", "unknown"),
                        _connector="OR",
                    ),
                ),
                fields=["account", "claimed_at"],
                name="sms_outbox_row_unreported",
            ),
        ),
        migrations.AddIndex(
            model_name="change",
            index=models.Index(fields=["row_id"], name="sms_outbox_history_row"),
        ),
    ]
