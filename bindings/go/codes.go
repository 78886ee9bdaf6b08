package licentia

// The codes. `go test -run Generated -update .` writes this file.
const (
	// Allowed: The licence grants the request.
	Allowed Code = 0
	// MalformedText: The text is not a licence in its text form.
	MalformedText Code = 100
	// TokenTooLong: The token is longer than a licence may be.
	TokenTooLong Code = 101
	// MissingToken: No licence was presented.
	MissingToken Code = 102
	// Truncated: The token ends in the middle of a value.
	Truncated Code = 110
	// TrailingBytes: Bytes follow the end of the token or of one of its parts.
	TrailingBytes Code = 111
	// NotDeterministic: The token has a number or length that is not in its one shortest form.
	NotDeterministic Code = 112
	// UnsortedKeys: The token has map keys that are out of order.
	UnsortedKeys Code = 113
	// DuplicateKey: The token has a map key twice.
	DuplicateKey Code = 114
	// ForbiddenItem: The token has a float, tag or simple value that no licence may hold.
	ForbiddenItem Code = 115
	// WrongType: The token has a value of the wrong type.
	WrongType Code = 116
	// InvalidUTF8: The token has a text that is not UTF-8.
	InvalidUTF8 Code = 117
	// TooComplex: The token is nested too deep or has too many values.
	TooComplex Code = 118
	// MalformedFrame: The token is not a signed licence (COSE_Sign1).
	MalformedFrame Code = 120
	// UnprotectedHeader: The token has header parameters that its signature does not cover.
	UnprotectedHeader Code = 121
	// WrongTyp: The token is of another kind than a licence.
	WrongTyp Code = 122
	// UnknownCritical: The token requires a header extension that this version does not know.
	UnknownCritical Code = 123
	// MissingField: A required header parameter, claim or grant field is missing.
	MissingField Code = 130
	// InvalidValue: A value in the token is out of range.
	InvalidValue Code = 131
	// UnsupportedSchema: The licence uses a schema that this version does not know.
	UnsupportedSchema Code = 132
	// UnknownCriticalField: The licence has a mandatory field that this version does not know.
	UnknownCriticalField Code = 133
	// UnsupportedConfirmation: The licence is bound to its holder in a way that this version does not know.
	UnsupportedConfirmation Code = 134
	// UnknownKey: The licence is signed with a key that is not known here.
	UnknownKey Code = 200
	// AlgorithmMismatch: The licence names another algorithm than its key is for.
	AlgorithmMismatch Code = 201
	// BadSignature: The signature does not fit: the licence was altered or forged.
	BadSignature Code = 202
	// KeyRevoked: The key that signed the licence was revoked.
	KeyRevoked Code = 203
	// KeyNotActive: The licence was issued when its key was not in use.
	KeyNotActive Code = 204
	// KeyOutOfScope: The key that signed the licence may not grant this.
	KeyOutOfScope Code = 205
	// KeysetExpired: The keyset has expired.
	KeysetExpired Code = 206
	// KeysetRollback: The keyset is older than one that was loaded before.
	KeysetRollback Code = 207
	// KeysetEquivocation: Two different keysets have the same sequence number.
	KeysetEquivocation Code = 208
	// AmbiguousKey: Two keys have the same identifier, or one key is there twice.
	AmbiguousKey Code = 209
	// NotYetValid: The licence is not valid yet.
	NotYetValid Code = 300
	// Expired: The licence has expired.
	Expired Code = 301
	// IssuedInFuture: The licence was issued later than this machine's time.
	IssuedInFuture Code = 302
	// ClockRollback: This machine's clock was set back.
	ClockRollback Code = 303
	// IssuerMismatch: The licence is from another issuer.
	IssuerMismatch Code = 400
	// AudienceMismatch: The licence is not meant for this service.
	AudienceMismatch Code = 401
	// FeatureNotLicensed: The feature is not part of the licence.
	FeatureNotLicensed Code = 410
	// FeatureExpired: The feature has ended, while the licence goes on.
	FeatureExpired Code = 411
	// ReleaseNotCovered: The release is newer than the licence covers.
	ReleaseNotCovered Code = 412
	// ReleaseRequired: The licence covers releases up to a date, and the request does not say which one runs.
	ReleaseRequired Code = 413
	// NodeRequired: The licence is bound to machines, and the request does not say which this is.
	NodeRequired Code = 420
	// NodeMismatch: The licence is bound to other machines.
	NodeMismatch Code = 421
	// ProofRequired: The licence is bound to its holder's key, and the request has no proof.
	ProofRequired Code = 430
	// ProofMalformed: The proof of possession is not well-formed.
	ProofMalformed Code = 431
	// ProofBadSignature: The proof is not signed with the key that the licence is bound to.
	ProofBadSignature Code = 432
	// ProofWrongLicense: The proof was made for another licence.
	ProofWrongLicense Code = 433
	// ProofWrongMethod: The proof was made for another method.
	ProofWrongMethod Code = 434
	// ProofWrongUri: The proof was made for another URI.
	ProofWrongUri Code = 435
	// ProofWrongBody: The proof was made for another body.
	ProofWrongBody Code = 436
	// ProofStale: The proof is too old.
	ProofStale Code = 437
	// ProofInFuture: The proof was made later than this machine's time.
	ProofInFuture Code = 438
	// ProofReplayed: The proof was used before.
	ProofReplayed Code = 439
	// ProofCacheFull: Too many proofs are remembered to tell a replay.
	ProofCacheFull Code = 440
	// ProofNonceRequired: The proof needs a newer nonce of the service.
	ProofNonceRequired Code = 441
	// Revoked: The licence was revoked.
	Revoked Code = 500
	// RevokedByRule: The licence was revoked by a rule.
	RevokedByRule Code = 501
	// RevocationStale: What is known of revocations is older than the licence accepts.
	RevocationStale Code = 510
	// RevocationExpired: The revocation bundle has expired.
	RevocationExpired Code = 511
	// BundleMalformed: The revocation bundle is not well-formed.
	BundleMalformed Code = 520
	// BundleUntrusted: The revocation bundle is not signed with a revocation key that is in use.
	BundleUntrusted Code = 521
	// BundleBadSignature: The revocation bundle was altered or forged.
	BundleBadSignature Code = 522
	// BundleRollback: The revocation bundle is older than one that was loaded before.
	BundleRollback Code = 523
	// BundleEquivocation: Two different revocation bundles have the same sequence number.
	BundleEquivocation Code = 524
	// BundleWrongBase: The delta is for another bundle than the one that is loaded.
	BundleWrongBase Code = 525
	// BundleWrongRoot: The delta does not lead to the state that it names.
	BundleWrongRoot Code = 526
	// RateLimited: Requests come faster than the licence allows.
	RateLimited Code = 600
	// RateNotLicensed: The licence has no such rate.
	RateNotLicensed Code = 601
	// QuotaExceeded: The quota of this period is used up.
	QuotaExceeded Code = 610
	// MeterNotLicensed: The licence has no quota for this meter.
	MeterNotLicensed Code = 611
	// StoreUnreachable: The counters are out of reach.
	StoreUnreachable Code = 620
	// SeatsTaken: Every seat of the licence is taken.
	SeatsTaken Code = 630
	// SeatsNotLicensed: The licence has no seats.
	SeatsNotLicensed Code = 631
	// ReceiptMalformed: The receipt, or the log that it is in, is not well-formed.
	ReceiptMalformed Code = 640
	// ReceiptForged: The receipt or acknowledgement was altered or forged.
	ReceiptForged Code = 641
	// ReceiptForeign: The receipt is of an instance that was not expected.
	ReceiptForeign Code = 642
	// ReceiptGap: Receipts of the instance are missing.
	ReceiptGap Code = 643
	// ReceiptFork: Two different receipts of the instance have the same sequence number.
	ReceiptFork Code = 644
	// ReceiptRollback: The instance was set back to an older state.
	ReceiptRollback Code = 645
	// WeakKey: The public key is of small order: anybody could forge its signatures.
	WeakKey Code = 800
	// InvalidKey: The public key is not well-formed.
	InvalidKey Code = 801
	// InvalidArgument: An argument is out of its range.
	InvalidArgument Code = 802
	// JobCostDiffers: The job was charged before with another cost.
	JobCostDiffers Code = 803
	// Internal: The library failed.
	Internal Code = 900
)
