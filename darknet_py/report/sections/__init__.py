"""The sections of the report, one file each; a new one is written here and added to a list below."""

from darknet_py.report.section import ReportSection
from darknet_py.report.sections.again import AgainSection
from darknet_py.report.sections.changes import ChangesSection
from darknet_py.report.sections.classes import ClassesSection
from darknet_py.report.sections.confusion import ConfusionSection
from darknet_py.report.sections.cost import CostSection
from darknet_py.report.sections.detectors.slices import VariantSlicesSection
from darknet_py.report.sections.errors import ErrorKindsSection
from darknet_py.report.sections.evidence import EvidenceSection
from darknet_py.report.sections.first_weights import FirstWeightsSection
from darknet_py.report.sections.how_to_read import HowToReadSection
from darknet_py.report.sections.notes import NotesSection
from darknet_py.report.sections.others import OtherFiguresSection
from darknet_py.report.sections.pairing import PairingSection
from darknet_py.report.sections.protocol import ProtocolSection
from darknet_py.report.sections.results import ResultsSection
from darknet_py.report.sections.samples import SamplesSection
from darknet_py.report.sections.stages import StagesSection
from darknet_py.report.sections.summary import SummarySection
from darknet_py.report.sections.training import TrainingSection
from darknet_py.report.sections.unfinished.status import StatusSection
from darknet_py.report.sections.verdicts import VerdictsSection

HEADER: tuple[ReportSection, ...] = (SummarySection(), StatusSection(), NotesSection())
BODY: tuple[ReportSection, ...] = (
    VerdictsSection(),
    StagesSection(),
    PairingSection(),
    ResultsSection(),
    TrainingSection(),
    CostSection(),
    ClassesSection(),
    OtherFiguresSection(),
    ConfusionSection(),
    ErrorKindsSection(),
    VariantSlicesSection(),
    FirstWeightsSection(),
    ChangesSection(),
    EvidenceSection(),
    SamplesSection(),
    ProtocolSection(),
    AgainSection(),
    HowToReadSection(),
)
# In the Markdown file, which has no pictures, the effort of the trainings comes last.
MARKDOWN: tuple[ReportSection, ...] = (
    *HEADER,
    *(section for section in BODY if not isinstance(section, TrainingSection)),
    TrainingSection(),
)
