"""The shared signing service: EF.SOD and EF.CardSecurity for many data-preparation clients."""
