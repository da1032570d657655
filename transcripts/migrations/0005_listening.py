"""Keeping what is heard for listening, and what a source says about itself in the log."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("transcripts", "0004_search"),
    ]

    operations = [
        migrations.AddField(
            model_name="team",
            name="keep_stream_sound",
            field=models.BooleanField(db_default=False, default=False, verbose_name="keep the sound of streams"),
        ),
        migrations.AddField(
            model_name="transcript",
            name="is_kept",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AlterField(
            model_name="event",
            name="kind",
            field=models.CharField(
                choices=[
                    ("state", "State"),
                    ("session", "Provider session"),
                    ("commit", "Committed text"),
                    ("gap", "Gap"),
                    ("notice", "Notice"),
                    ("annotation", "Annotation"),
                    ("revise", "Correction"),
                    ("source", "Source"),
                ],
                max_length=12,
            ),
        ),
    ]
