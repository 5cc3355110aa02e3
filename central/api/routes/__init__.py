"""One router each: what is asked, who may ask, what comes back."""
