"""The ``ipt`` commands: each module reads its options, calls the package and says what it did."""
