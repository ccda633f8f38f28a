"""The use cases, one module each; the only place that combines the parts.

``index`` and ``search`` serve a shop, ``evaluation_set``, ``ranking``, ``evaluate`` and
``evaluation_report`` measure it, ``sheet`` draws its answers, ``export`` (with what it needs,
``export_card``, ``export_photos``, ``export_runs``, ``run_to_export``, ``run_record``,
``card_table`` and ``machine_paths``) makes an encoder of a trained run, ``demo`` and ``doctor`` are
the commands of these names. Import from the module: each loads only what it needs.
"""
