// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

// Package code has the codes of every error.
package code

// ErrorCode:
// Why the host refused or could not do something. docs/errors.md says what to do about each.
type ErrorCode string

const (
	ErrorCodeInvalidMessage   ErrorCode = "invalid-message"
	ErrorCodeInvalidManifest  ErrorCode = "invalid-manifest"
	ErrorCodeAdmissionRefused ErrorCode = "admission-refused"
	ErrorCodeIncompatibleApi  ErrorCode = "incompatible-api"
	ErrorCodePermissionDenied ErrorCode = "permission-denied"
	ErrorCodeNoSuchService    ErrorCode = "no-such-service"
	ErrorCodeServiceTaken     ErrorCode = "service-taken"
	ErrorCodeCallLoop         ErrorCode = "call-loop"
	ErrorCodeQueueFull        ErrorCode = "queue-full"
	ErrorCodeRateLimited      ErrorCode = "rate-limited"
	ErrorCodeDeadlineExceeded ErrorCode = "deadline-exceeded"
	ErrorCodeCpuExhausted     ErrorCode = "cpu-exhausted"
	ErrorCodeMemoryExhausted  ErrorCode = "memory-exhausted"
	ErrorCodePluginFailed     ErrorCode = "plugin-failed"
	ErrorCodePluginNotRunning ErrorCode = "plugin-not-running"
	ErrorCodeQuotaExceeded    ErrorCode = "quota-exceeded"
	ErrorCodeStorageFailed    ErrorCode = "storage-failed"
	ErrorCodeHttpFailed       ErrorCode = "http-failed"
	ErrorCodeConflict         ErrorCode = "conflict"
	ErrorCodeInternal         ErrorCode = "internal"
	// The provider of a service said no: `reason` says why. The call reached it, and it is well.
	ErrorCodeRefused ErrorCode = "refused"
	// The host where the service is could not be asked: nothing of the call was done.
	ErrorCodeHostUnreachable ErrorCode = "host-unreachable"
	// The host where the service is was asked and is gone: nobody knows whether the call was done.
	ErrorCodeHostLost ErrorCode = "host-lost"
)
