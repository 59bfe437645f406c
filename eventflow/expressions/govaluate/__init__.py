"""govaluate (github.com/Knetic/govaluate v3), the language of Argo's `when` and of event filters' `exprs`."""
