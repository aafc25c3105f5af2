package helios

/*
#include <helios.h>

typedef const char const_char;

int heliosGoProgress(void *, const_char *);
*/
import "C"

import (
	"encoding/json"
	"fmt"
	"runtime/cgo"
	"unsafe"
)

// asked is what an operation asks whether to go on.
type asked[P any] struct {
	goOn func(P) bool
	guarded
}

// callback is what libhelios calls, with a handle of this; nil if there is nobody to ask.
func (asked *asked[P]) callback() C.helios_on_progress {
	if asked.goOn == nil {
		return nil
	}
	return C.helios_on_progress(C.heliosGoProgress)
}

func (asked *asked[P]) ask(progress P) (goOn bool) {
	asked.run(func() { goOn = asked.goOn(progress) })
	return goOn
}

func (asked *asked[P]) told(text string) bool {
	var progress P
	if err := json.Unmarshal([]byte(text), &progress); err != nil {
		asked.err = fmt.Errorf("helios: progress of another version of libhelios (%s): %w", Version(), err)
		return false
	}
	return asked.ask(progress)
}

// heliosGoProgress is what libhelios calls.
//
//export heliosGoProgress
func heliosGoProgress(user unsafe.Pointer, text *C.const_char) C.int {
	asked := (*cgo.Handle)(user).Value().(interface{ told(text string) bool })
	return stop(!asked.told(C.GoString(text)))
}
