package helios

import "fmt"

// A Kind is what sort of thing went wrong. It is itself an error, for [errors.Is].
type Kind string

// The kinds. They have the same names in every language.
const (
	// ConfigInvalid: a setting is missing, unknown or contradicts another.
	ConfigInvalid Kind = "config_invalid"
	// InvalidInput: an argument is malformed.
	InvalidInput Kind = "invalid_input"
	// InvalidQuery: ClickHouse refused the SQL text.
	InvalidQuery Kind = "invalid_query"
	// Unauthenticated: no credentials, or credentials that were not accepted.
	Unauthenticated Kind = "unauthenticated"
	// PermissionDenied: the credentials are good, the permission is missing.
	PermissionDenied Kind = "permission_denied"
	// NotFound: a stream, table, database or function that does not exist.
	NotFound Kind = "not_found"
	// AlreadyExists: something of that name exists already.
	AlreadyExists Kind = "already_exists"
	// Conflict: what exists differs from what was asked for, or another operation is under way.
	Conflict Kind = "conflict"
	// LimitExceeded: a limit was passed: size, rows, memory, quota.
	LimitExceeded Kind = "limit_exceeded"
	// Timeout: it took longer than allowed. Whether it took effect is unknown.
	Timeout Kind = "timeout"
	// Unavailable: the other side cannot be reached or is not ready.
	Unavailable Kind = "unavailable"
	// EngineUnavailable: the embedded engine cannot be opened.
	EngineUnavailable Kind = "engine_unavailable"
	// Cancelled: the query or the call was cancelled.
	Cancelled Kind = "cancelled"
	// Unexpected: a defect, or an answer nobody expected.
	Unexpected Kind = "unexpected"
	// NullArgument: a pointer that must not be NULL is NULL, which is a defect of this package.
	NullArgument Kind = "null_argument"
	// InvalidUTF8: a text is not UTF-8.
	InvalidUTF8 Kind = "invalid_utf8"
	// Panic: a defect of Helios.
	Panic Kind = "panic"
	// InvalidHandle: something that was freed is used, which is a defect of this package.
	InvalidHandle Kind = "invalid_handle"
)

func (k Kind) Error() string { return "helios: " + string(k) }

// An Error says why a call failed: what happened, to which thing, and what to do next. It holds no secret.
type Error struct {
	Kind    Kind
	Message string
	// Operation is what was asked for: "query". Empty if it failed before.
	Operation string
	// Retryable says whether the same call may succeed later, unchanged.
	Retryable bool
	// ServerCode is ClickHouse's error number, 0 if the error is none of ClickHouse's.
	ServerCode uint32
	// ServerErrorName is ClickHouse's own name of the error, such as "UNKNOWN_TABLE".
	ServerErrorName string
	// Position is where in the SQL text the error is, nil if that is not known. It is of errors of syntax.
	Position *SQLPosition
	// AWSCode is AWS's error code, empty if the error is none of AWS's.
	AWSCode string
	// Of the caller's own, such as the end of a context.
	cause error
}

// A SQLPosition is a place in the SQL text of a query.
type SQLPosition struct {
	// Offset is in bytes from the beginning of the text, from 0.
	Offset int
	// Line is counted from 1.
	Line int
	// Column is the character in its line, from 1.
	Column int
}

func (e *Error) Error() string {
	if e.Operation == "" {
		return fmt.Sprintf("helios: %s: %s", string(e.Kind), e.Message)
	}
	return fmt.Sprintf("helios: %s at %s: %s", string(e.Kind), e.Operation, e.Message)
}

// Unwrap gives the end of the context that cancelled the call, if one has.
func (e *Error) Unwrap() error { return e.cause }

// Is makes errors.Is(err, helios.NotFound) true for an error of that kind.
func (e *Error) Is(target error) bool {
	kind, ok := target.(Kind)
	return ok && kind == e.Kind
}

func invalidInput(format string, values ...any) error {
	return &Error{Kind: InvalidInput, Message: fmt.Sprintf(format, values...)}
}
