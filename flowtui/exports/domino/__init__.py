"""A client of Domino: datasets, their snapshots and files, uploads, projects and jobs."""

from flowtui.exports.domino.client import DominoClient
from flowtui.exports.domino.datasets import Dataset, create_dataset, dataset_details, datasets
from flowtui.exports.domino.jobs import Job, JobLog, JobRequest, job, job_log, jobs, start_job
from flowtui.exports.domino.projects import Project, User, current_user, project, projects

__all__ = [
    "Dataset",
    "DominoClient",
    "Job",
    "JobLog",
    "JobRequest",
    "Project",
    "User",
    "create_dataset",
    "current_user",
    "dataset_details",
    "datasets",
    "job",
    "job_log",
    "jobs",
    "project",
    "projects",
    "start_job",
]
