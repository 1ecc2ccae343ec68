# Reference values for within-between models and the instrument: `Rscript process.R` in this folder.
library(nlme); library(AER); library(sandwich)
out <- list(R = R.version.string, nlme = as.character(packageVersion("nlme")),
            AER = as.character(packageVersion("AER")),
            sandwich = as.character(packageVersion("sandwich")))
control <- lmeControl(maxIter = 500, msMaxIter = 2000, niterEM = 60, tolerance = 1e-11,
                      msTol = 1e-13, opt = "nlminb", returnObject = TRUE)
s <- read.csv("sessions.csv")
fit <- lme(y ~ time + within + between, data = s, random = ~ 1 + time | participant,
           correlation = corAR1(form = ~ time | participant), control = control)
b <- summary(fit)$tTable
out$sessions <- list(loglik = as.numeric(logLik(fit)), within = b["within", 1],
                     within_se = b["within", 2], between = b["between", 1],
                     between_se = b["between", 2])
d <- read.csv("diary.csv"); d$arm <- factor(d$arm)
fit <- lme(y ~ arm * time + within + between, data = d, random = ~ 1 + within | participant,
           correlation = corAR1(form = ~ time | participant), control = control)
b <- summary(fit)$tTable
out$diary <- list(loglik = as.numeric(logLik(fit)), within = b["within", 1],
                  within_se = b["within", 2], between = b["between", 1],
                  between_se = b["between", 2],
                  slope_sd = as.numeric(VarCorr(fit)["within", "StdDev"]))
c <- read.csv("compliance.csv")
iv <- ivreg(y ~ d + baseline | z + baseline, data = c)
out$instrument <- list(value = unname(coef(iv)["d"]),
                       hc1 = unname(sqrt(diag(vcovHC(iv, type = "HC1")))["d"]),
                       first_stage = unname(summary(lm(d ~ z + baseline, c))$coefficients["z", 3]^2))
ols <- lm(y ~ d + baseline, data = c)
out$hc3 <- list(value = unname(coef(ols)["d"]),
                se = unname(sqrt(diag(vcovHC(ols, type = "HC3")))["d"]))
writeLines(jsonlite::toJSON(out, auto_unbox = TRUE, digits = 12, pretty = TRUE), "process.json")
