module chipseal.example/read-chip

go 1.21

require github.com/gballet/go-libpcsclite v0.0.0-20191108122812-4678299bea08
