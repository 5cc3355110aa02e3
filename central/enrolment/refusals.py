"""What the enrolment desk says no with; each has a sentence and a status."""

from protocols.errors import FengsuiError


class CodeRefused(FengsuiError):
    """No open code: unknown, used, burnt, withdrawn, too old, too early; which is not said."""

    code = "ENROLMENT_CODE_REFUSED"


class ProofRefused(FengsuiError):
    """The proof does not fit: another code, or somebody in between. The code is burnt."""

    code = "ENROLMENT_PROOF_REFUSED"


class BeginAgain(FengsuiError):
    """There is no such hello, or it is older than ten minutes."""

    code = "ENROLMENT_BEGIN_AGAIN"


class KeyEnded(FengsuiError):
    """The key is another gateway's, or was revoked, refused or replaced: make another."""

    code = "ENROLMENT_KEY_ENDED"


class CertificateUnknown(FengsuiError):
    """The gateway was shown a TLS certificate that is not ours: somebody ends TLS on the way."""

    code = "ENROLMENT_CERTIFICATE_UNKNOWN"


class EnrolmentLocked(FengsuiError):
    """Too many failures from this address; `seconds` says when to try again."""

    code = "ENROLMENT_LOCKED"
    retry = True
