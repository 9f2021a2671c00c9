TASK_TYPE = "domino_job"
