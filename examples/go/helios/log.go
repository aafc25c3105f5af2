package helios

/*
#include <stdint.h>
#include <helios.h>

typedef const char const_char;

void heliosGoLog(uintptr_t, helios_log_level, const_char *, const_char *);

// A handle of Go's is a number, which must not be seen as a pointer there.
static inline void on_log(void *user, helios_log_level level, const char *target, const char *message) {
    heliosGoLog((uintptr_t)user, level, target, message);
}

static inline helios_status set_log(helios_log_level level, uintptr_t user, helios_error **error) {
    return helios_log_set(level, user == 0 ? NULL : on_log, (void *)user, error);
}
*/
import "C"

import (
	"fmt"
	"runtime/cgo"
	"sync"
)

// A LogLevel is how bad it is that something is logged. A greater one is less bad.
type LogLevel uint32

// The levels.
const (
	// LogOff: nothing is logged.
	LogOff LogLevel = iota
	// LogError: something failed that nobody waits for, or that needs a person.
	LogError
	// LogWarn: something is not as it should be; Helios goes on.
	LogWarn
	// LogInfo: what a person wants to know who watches: that something began, or ended.
	LogInfo
	// LogDebug: what helps to find a defect.
	LogDebug
	// LogTrace: each step.
	LogTrace
)

// String is its name: "warn".
func (l LogLevel) String() string {
	names := [...]string{"off", "error", "warn", "info", "debug", "trace"}
	if int(l) >= len(names) {
		return fmt.Sprintf("LogLevel(%d)", uint32(l))
	}
	return names[l]
}

// A LogRecord is one thing that was logged. It holds no secret.
type LogRecord struct {
	Level LogLevel
	// Target is where in Helios: "helios_core::delivery::worker".
	Target string
	// Message is what happened, in one line without a line break: a sentence, then names and figures.
	Message string
}

// Who is told what is logged; 0 is nobody.
var (
	logMutex  sync.Mutex
	logHandle cgo.Handle
)

// SetLog has log told what Helios logs in this process, from level on and all that is worse, in place of who was told before.
// [LogOff], or nil for log: nobody, as at first. When it has returned, the function before is not called any more.
//
// It is called in goroutines of their own, one call at a time, and Helios waits for it: it must return soon, and must not
// call Helios, which would wait for itself. A panic in it ends the program, as in any goroutine.
func SetLog(level LogLevel, log func(LogRecord)) error {
	var handle cgo.Handle
	if level != LogOff && log != nil {
		handle = cgo.NewHandle(log)
	}
	logMutex.Lock()
	defer logMutex.Unlock()
	err := try(func(failure **C.helios_error) C.helios_status {
		return C.set_log(C.helios_log_level(level), C.uintptr_t(handle), failure)
	})
	if err == nil {
		handle, logHandle = logHandle, handle
	}
	// The one that is not, or not any more, told.
	if handle != 0 {
		handle.Delete()
	}
	return err
}

// heliosGoLog is what libhelios calls, on any thread. In a goroutine of its own, as [guarded] has it; but there is nobody in whom
// a panic could go on.
//
//export heliosGoLog
func heliosGoLog(handle C.uintptr_t, level C.helios_log_level, target, message *C.const_char) {
	log := cgo.Handle(handle).Value().(func(LogRecord))
	record := LogRecord{LogLevel(level), C.GoString(target), C.GoString(message)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		log(record)
	}()
	<-done
}
