"""Go's text/template language with the functions of sprig, for `dataTemplate`, `contextTemplate` and data filters."""
