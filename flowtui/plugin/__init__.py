"""The bundled plugin core: what flow authors import to declare artifacts and Domino jobs.

``flowtui.plugin.artifact``  ``Artifact``, its types, export specifications and the export task
``flowtui.plugin.task``      ``DominoJobTask`` and the configuration of a Domino job
``flowtui.plugin.helpers``   ``run_domino_job_task``, ``Input``, ``Output``, ``download_blobs``
``flowtui.plugin.file``      ``PathConfig``, ``DominoFile``
``flowtui.plugin.alias``     makes these four importable as ``flytekitplugins.domino.*``
"""
