"""User studies: people judge pictures in a browser, under the protocols of the papers. `docs/study.md` says how."""

from repose.study.errors import DamagedStudyError, RefusedError, UnwritableStudyError
from repose.study.guard import StudySettings
from repose.study.material import MaterialError, Prepared, prepare_study
from repose.study.protocols import QUESTIONS, STUDIES, Question, StudyProtocol, study_protocol
from repose.study.results import PUBLISHED, Rate, Results, StudyRow, export, people_interval, results, wilson
from repose.study.server import StudyServer
from repose.study.sessions import Study
from repose.study.times import FLAGS

__all__ = [
    "FLAGS",
    "PUBLISHED",
    "QUESTIONS",
    "STUDIES",
    "DamagedStudyError",
    "MaterialError",
    "Prepared",
    "Question",
    "Rate",
    "RefusedError",
    "Results",
    "Study",
    "StudyProtocol",
    "StudyRow",
    "StudyServer",
    "StudySettings",
    "UnwritableStudyError",
    "export",
    "people_interval",
    "prepare_study",
    "results",
    "study_protocol",
    "wilson",
]  # fmt: skip
