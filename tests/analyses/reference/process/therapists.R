# Reference values for the partially nested model: run in this folder by `Rscript therapists.R`.
#
# nlme fits the same model as analyses/clustered_models.py with one covariance for all arms: an
# unstructured covariance of the four visits, and an effect of the therapist that grows with the share
# of the course, in the arms with therapists only. Participants without therapist are clusters of one
# whose effect is multiplied by zero.
library(nlme)
d <- read.csv("../../../reference/reference_trial.csv")
d <- d[!is.na(d$score), ]
d$course <- d$week / 16
d$arm <- relevel(factor(d$arm), ref = "MED")
d$visit <- factor(d$week)
d$number <- as.integer(d$visit)
inside <- d$arm != "MED"
d$cluster <- ifelse(inside, paste0("T", d$therapist), paste0("P", d$participant))
out <- list(R = R.version.string, nlme = as.character(packageVersion("nlme")))
for (effect in c("growing", "constant")) {
  d$load <- ifelse(inside, if (effect == "growing") d$course else 1, 0)
  fit <- lme(score ~ baseline * visit + arm * visit + site, data = d,
             random = ~ 0 + load | cluster,
             correlation = corSymm(form = ~ number | cluster / participant),
             weights = varIdent(form = ~ 1 | visit),
             control = lmeControl(maxIter = 500, msMaxIter = 1000, niterEM = 50, tolerance = 1e-10,
                                  msTol = 1e-12, opt = "optim", returnObject = TRUE))
  b <- fixef(fit); V <- vcov(fit)
  pick <- function(arm) {
    l <- setNames(numeric(length(b)), names(b))
    l[paste0("arm", arm)] <- 1
    l[paste0("visit16:arm", arm)] <- 1
    c(estimate = sum(l * b), se = sqrt(drop(l %*% V %*% l)))
  }
  psi <- as.numeric(VarCorr(fit)["load", "Variance"])
  sigma <- fit$sigma
  weight <- coef(fit$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)
  residual <- (sigma * weight["16"])^2
  out[[effect]] <- list(loglik = as.numeric(logLik(fit)), IPT = as.list(pick("IPT")),
                        IPT_MED = as.list(pick("IPT+MED")), psi = psi,
                        icc = unname(psi / (psi + residual)),
                        effects = as.list(setNames(ranef(fit)$load, rownames(ranef(fit)))[
                          sort(grep("^TT", rownames(ranef(fit)), value = TRUE))]))
}
writeLines(jsonlite::toJSON(out, auto_unbox = TRUE, digits = 12, pretty = TRUE), "therapists.json")
