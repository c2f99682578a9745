"""The page about the errors of one detector: its sections, one file each, in the order of the lists below."""

from darknet_py.report.errors.calibration import CalibrationSection
from darknet_py.report.errors.classes import ErrorClassesSection
from darknet_py.report.errors.confusion import DetectorConfusionSection
from darknet_py.report.errors.content import ErrorReport
from darknet_py.report.errors.images import ImagesSection
from darknet_py.report.errors.kinds import KindsSection
from darknet_py.report.errors.slices import SlicesSection
from darknet_py.report.errors.summary import ErrorSummarySection
from darknet_py.report.errors.suspects import SuspectsSection
from darknet_py.report.section import PageSection

ERROR_HEADER: tuple[PageSection[ErrorReport], ...] = (ErrorSummarySection(),)
ERROR_BODY: tuple[PageSection[ErrorReport], ...] = (
    KindsSection(),
    SlicesSection(),
    ErrorClassesSection(),
    DetectorConfusionSection(),
    CalibrationSection(),
    ImagesSection(),
    SuspectsSection(),
)
