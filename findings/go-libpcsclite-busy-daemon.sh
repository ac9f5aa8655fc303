#!/usr/bin/env bash
# The Go module go-libpcsclite and a pcscd that many programs call at once.
#
# It talks to pcscd without the C library, whose protocol it has in Go.
# Guess: SCardEstablishContext waits until pcscd has time, as in C.
# Seen: Go's net.Dial does not wait where the queue of a Unix socket is full (EAGAIN), so that most of
# 50 simultaneous calls fail at once; each of 50 in C succeeds.
#
# Needs root: pcscd runs in a mount namespace of its own, with a folder of its own for its socket.
# The libraries of pcscd (systemd, polkit) are the machine's.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

pcsc=1.9.9-2
apt-get -qq -o APT::Sandbox::User=root download \
    "pcscd=$pcsc" "libpcsclite1=$pcsc" "libpcsclite-dev=$pcsc"
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu
unset PCSCLITE_CSOCK_NAME
mkdir readers go
cat > go/go.mod <<'MOD'
module finding

go 1.21

require github.com/gballet/go-libpcsclite v0.0.0-20191108122812-4678299bea08
MOD
cat > go/go.sum <<'SUM'
github.com/gballet/go-libpcsclite v0.0.0-20191108122812-4678299bea08 h1:f6D9Hr8xV8uYKlyuj8XIruxlh9WjVjdh1gIicAS7ays=
github.com/gballet/go-libpcsclite v0.0.0-20191108122812-4678299bea08/go.mod h1:x7DCsMOv1taUwEWCzT4cmDeAkigA5/QCwUodaVOe8Ww=
SUM
cat > go/main.go <<'GO'
package main

import (
	"fmt"
	"sync"
	"sync/atomic"

	pcsc "github.com/gballet/go-libpcsclite"
)

func main() {
	var group sync.WaitGroup
	var established atomic.Int32
	var remark atomic.Value
	for range make([]int, 50) {
		group.Add(1)
		go func() {
			defer group.Done()
			context, err := pcsc.EstablishContext("/run/pcscd/pcscd.comm", pcsc.ScopeSystem)
			if err != nil {
				remark.Store(err.Error())
				return
			}
			defer context.ReleaseContext()
			established.Add(1)
		}()
	}
	group.Wait()
	fmt.Printf("Go: %d of 50 contexts, %v\n", established.Load(), remark.Load())
}
GO
cat > contexts.c <<'C'
#include <pthread.h>
#include <stdio.h>
#include <winscard.h>

static int established;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *establish(void *nothing)
{
    SCARDCONTEXT context;

    if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) == SCARD_S_SUCCESS) {
        pthread_mutex_lock(&lock);
        established++;
        pthread_mutex_unlock(&lock);
        SCardReleaseContext(context);
    }
    return nothing;
}

int main(void)
{
    pthread_t threads[50];

    for (int at = 0; at < 50; at++)
        pthread_create(&threads[at], NULL, establish, NULL);
    for (int at = 0; at < 50; at++)
        pthread_join(threads[at], NULL);
    printf("C: %d of 50 contexts\n", established);
    return 0;
}
C
gcc -I root/usr/include/PCSC -o contexts contexts.c root/usr/lib/x86_64-linux-gnu/libpcsclite.so.1 -lpthread
(cd go && go build -o ../busy .)
cat > run.sh <<'SH'
set -euo pipefail
mkdir -p /run/pcscd
mount -t tmpfs none /run/pcscd
root/usr/sbin/pcscd --foreground --config "$PWD/readers" > pcscd.txt 2>&1 &
daemon=$!
trap 'kill $daemon; wait $daemon' EXIT
for _ in $(seq 100); do [ ! -S /run/pcscd/pcscd.comm ] || break; sleep 0.1; done
./contexts
./busy
SH
echo "Go github.com/gballet/go-libpcsclite 20191108122812, $(go version | cut -d' ' -f3); Debian pcscd $pcsc"
echo "guess: 50 of 50 in both languages"
echo "seen:"
unshare --mount bash run.sh | tee seen.txt
grep -q '^C: 50 of 50 contexts$' seen.txt
grep -q '^Go: .*resource temporarily unavailable' seen.txt
