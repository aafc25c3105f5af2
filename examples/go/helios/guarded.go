package helios

import "runtime"

// guarded is what went wrong in functions of the caller's that libhelios calls.
type guarded struct {
	err      error
	panicked any
	exited   bool
}

// run runs one of them in a goroutine of its own: the frames of libhelios, which stand on the one that called it, must
// neither be unwound by a panic nor be left behind by runtime.Goexit. Both wait until they are gone.
func (g *guarded) run(call func()) { <-g.start(call) }

// start is run, and does not wait for the end: done is closed then.
func (g *guarded) start(call func()) (done chan struct{}) {
	done = make(chan struct{})
	g.exited = true
	go func() {
		defer close(done)
		defer func() {
			if g.panicked = recover(); g.panicked != nil {
				g.exited = false
			}
		}()
		call()
		g.exited = false
	}()
	return done
}

// failed says whether there is no use in going on.
func (g *guarded) failed() bool {
	return g.err != nil || g.panicked != nil || g.exited
}

// finish makes what went wrong go on in this goroutine, the frames of libhelios being gone. What err says is its consequence.
func (g *guarded) finish(err error) error {
	if g.panicked != nil {
		panic(g.panicked)
	}
	if g.exited {
		runtime.Goexit()
	}
	if g.err != nil {
		return g.err
	}
	return err
}
