"""The tables, as ``manage.py makemigrations`` wrote them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """All of them."""

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Reply",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("batch_id", models.CharField(max_length=64)),
                ("number", models.CharField(max_length=32)),
                ("text", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(max_length=32)),
                ("number", models.CharField(max_length=32)),
                ("text", models.TextField()),
                ("outcome", models.CharField(default="unknown", max_length=16)),
                ("batch_id", models.CharField(default="", max_length=64)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("reference", "number"), name="one_row_for_each_recipient")
                ],
            },
        ),
        migrations.CreateModel(
            name="Report",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("batch_id", models.CharField(max_length=64)),
                ("number", models.CharField(max_length=32)),
                ("status", models.CharField(max_length=16)),
                ("standing", models.PositiveSmallIntegerField()),
            ],
            options={
                "indexes": [models.Index(fields=["batch_id", "number"], name="texts_repor_batch_i_88f4f8_idx")],
            },
        ),
    ]
