"""What commands, an officer's desk and a bulk run share: judging by a store and a policy."""
