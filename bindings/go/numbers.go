package licentia

// Numbers of ffi/host/src/number.rs. `go test -run Generated -update .` writes this file.

const (
	opSeed              = 0
	opCodes             = 1
	opDecodeLicense     = 2
	opEncodeLicense     = 3
	opReadKey           = 4
	opPeriodWindow      = 5
	opVerify            = 6
	opInspect           = 7
	opProve             = 8
	opHolderKey         = 9
	opBearer            = 10
	opBundleMark        = 11
	opLineage           = 12
	opBuild             = 20
	opCheck             = 21
	opReserve           = 22
	opSeat              = 23
	opLoadKeyset        = 24
	opLoadRevocation    = 25
	opCommit            = 26
	opCancelReservation = 27
	opCancel            = 28
	opSettle            = 29
	opBundleInUse       = 30
	opQuestions         = 40
	opAnswers           = 41
	opAskSeat           = 42
	opBringSeat         = 43
	opChangedMarks      = 44
	opBringMark         = 45
	opStore             = 50
)

const (
	gateAdvisory          = 1
	gateIssuer            = 2
	gateAudience          = 4
	gateKeyset            = 8
	gateRequireRevocation = 16
	gateSkew              = 32
	gateProofAge          = 64
	gateReplayCapacity    = 128
	gateCacheCapacity     = 256
	gateKeyTableBytes     = 512
	gateNonceSecret       = 1024
	gateRequireProofNonce = 2048
	gateHosted            = 4096
	gateShareRates        = 8192
	gateNoPrefetch        = 16384
)

const (
	requestAudience  = 1
	requestJob       = 2
	requestNode      = 4
	requestRelease   = 8
	requestProof     = 16
	requestBody      = 32
	requestProofText = 64
	requestExplain   = 128
	requestHTTP      = 256
)

const (
	decisionAllowed   = 1
	decisionLicensed  = 2
	decisionExplained = 4
	decisionHTTP      = 8
)
